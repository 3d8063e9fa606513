import { nextToUndo, undoArguments, undoReasonOf, undoStateOf, type UndoCall } from '../../../domain/undo';
import { buildTool } from '../../support/build-tool';

const cancel = buildTool({ name: 'cancel' });
const ok = { status: 'success', result: 'done', stdout: null, stderr: null } as const;
const failed = { ...ok, status: 'error', result: 'too late' } as const;
const call = (facts: Partial<Omit<UndoCall, 'effect'>> & { effect?: Partial<UndoCall['effect']> } = {}): UndoCall => ({
  undoName: 'cancel',
  undoTool: cancel,
  attempt: null,
  ...facts,
  effect: {
    key: 'run-1/0/call_1', runId: 'run-1', stepId: 'step-1', agentId: 'agent-1', conversationId: 'agent-1',
    toolCallId: 'call_1', toolName: 'book', toolId: 'tool-1', arguments: '{"seat":4}', effects: 'once', status: 'done',
    attempt: 1, messageId: 'message-1', result: ok, lateResult: null, lateAt: null, resolution: null, resolvedAt: null,
    claimedAt: new Date(0), finishedAt: new Date(0), ...facts.effect,
  },
}); // prettier-ignore
const tried = (outcome: typeof ok | typeof failed | null, finishedAt = 5, isUnknown = false) =>
  call({ attempt: { id: 'job-1', outcome, isUnknown, finishedAt: new Date(finishedAt) } });

it.each([
  ['undoable', call()],
  ['undoing', tried(null)],
  ['undone', tried(ok)],
  ['undo_failed', tried(failed)],
  ['undo_unknown', tried(failed, 5, true)],
  ['no_undo_tool', call({ undoName: null, undoTool: null })],
  ['no_undo_tool', call({ undoTool: null })],
  ['outcome_unknown', call({ effect: { status: 'unknown', result: failed } })],
  ['failed', call({ effect: { result: failed } })],
] as const)('a call can be %s', (state, one) => {
  expect(undoStateOf(one)).toBe(state);
  expect(undoReasonOf(one) === null).toBe(['undoable', 'undoing', 'undone'].includes(state));
});

describe('what is undone next', () => {
  const asked = new Date(3);

  it('is the newest that can be, past those that are done or cannot be', () => {
    const next = call({ effect: { key: 'next' } });
    expect(nextToUndo([tried(ok), call({ undoName: null, undoTool: null }), next, call()], asked)).toEqual({
      fresh: next,
    });
    expect(nextToUndo([tried(ok)], asked)).toBeNull();
  });

  it('is the one under way before any other', () => {
    expect(nextToUndo([tried(null), call()], asked)).toEqual({ again: tried(null).attempt });
  });

  it('is nothing once one has failed, and the failed one when somebody asks again', () => {
    expect(nextToUndo([tried(failed), call()], asked)).toBeNull();
    expect(nextToUndo([tried(failed), call()], new Date(9))).toEqual({ fresh: tried(failed) });
  });

  it('is never one that may have acted', () => {
    const lost = tried(failed, 5, true);
    expect(nextToUndo([lost, call()], asked)).toBeNull();
    expect(nextToUndo([lost, call()], new Date(9))).toEqual({ fresh: call() });
  });
});

it('an undo tool gets what it declares of the call', () => {
  const declares = (...names: string[]) =>
    buildTool({
      parameters: { type: 'object', properties: Object.fromEntries(names.map((name) => [name, {}])) },
    });
  const { effect } = call();

  expect(undoArguments(declares('seat'), effect)).toEqual({ seat: 4 });
  expect(undoArguments(declares('arguments', 'result', 'idempotency_key', 'other'), effect)).toEqual({
    arguments: { seat: 4 },
    result: 'done',
    idempotency_key: 'run-1/0/call_1',
  });
  expect(undoArguments(declares('seat'), { ...effect, arguments: 'no JSON' })).toEqual({});
});
