import { asOneTurn } from '../../../domain/one-turn';
import { buildMessage, buildStep } from '../../support/build-step';

const block = { id: 'block-human', label: 'human', value: 'Ada', limit: 9, readOnly: false, version: 3 };
const system = buildMessage('system', 'Be brief.\n<value>\nAda\n</value>', { runId: null });
const older = ['user', 'assistant'] as const;
const thread = [system, ...older.map((role) => buildMessage(role, 'before', { runId: 'run-0' }))];
const own = [buildMessage('user', 'Hi'), buildMessage('assistant', 'Hello')];
const approvals = [{ type: 'approval', toolCallId: 'c', approve: true, reason: null }] as const;

it('an agent that clears its buffer reads its system message and the turn in progress', () => {
  expect(asOneTurn(buildStep({ context: thread })).context).toEqual([system]);
  expect(asOneTurn(buildStep({ context: [...thread, ...own], step: 1 })).context).toEqual([system, ...own]);
  expect(asOneTurn(buildStep({ context: own, step: 1 })).context).toEqual(own);
});

it('a turn that goes on from answers began where its user last spoke', () => {
  const asking = own.map((message) => ({ ...message, runId: 'run-asking' }));
  const result = buildMessage('tool', [{ type: 'tool_return', toolCallId: 'c', name: 'buy', status: 'success', result: 'ok', stdout: null, stderr: null }]); // prettier-ignore
  const request = { ...buildStep().request, messages: [], approvals };

  const step = buildStep({ context: [...thread, ...asking, result], request });

  expect(asOneTurn(step).context).toEqual([system, ...asking, result]);
});

it('memory counts as seen where the system message shows it, whatever notes once told', () => {
  const step = buildStep({ context: thread, blocks: [block], memorySeen: { human: 'block-human@3' } });

  expect(asOneTurn(step).memorySeen).toEqual({ human: 'block-human@3' });
  expect(asOneTurn({ ...step, blocks: [{ ...block, value: 'Bob' }] }).memorySeen).toEqual({});
});
