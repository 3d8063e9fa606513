import { AppError, type ErrorCode } from '../../../domain/errors';
import { stopAfterTools } from '../../../domain/next-action';
import { statusOf, STOP_REASONS } from '../../../domain/run';
import { toAppError, toModelError } from '../../../domain/run-error';
import { forWorkflow, turnWorkflowId } from '../../../domain/turn';

it("the workflow id names the conversation, and an agent's own thread by the agent", () => {
  expect(turnWorkflowId('agent-1')).toBe('agent/agent-1');
  expect(turnWorkflowId('conv-1')).toBe('conv/conv-1');
});

it('a workflow gets to see which calls were planned and never why one is refused', () => {
  const call = { index: 0, name: 'look', effects: 'read', parallel: true } as const;
  const end = { end: { stopReason: 'end_turn', next: null } } as const;

  expect(forWorkflow({ calls: [{ ...call, refusal: 'a text with a name in it' }] })).toEqual({
    calls: [call],
  });
  expect(forWorkflow(end)).toEqual(end);
});

it('a stop reason leads to one final status', () => {
  const completed = STOP_REASONS.filter((reason) => statusOf(reason) === 'completed');

  expect(completed).toEqual(['end_turn', 'max_steps', 'tool_rule', 'requires_approval']);
  expect(statusOf('cancelled')).toBe('cancelled');
  expect(statusOf('llm_api_error')).toBe('failed');
});

describe('after the tools of a step', () => {
  const turn = {
    rules: [],
    toolNames: ['look'],
    called: [],
    lastTools: ['look'],
    speaker: null,
    isFixedWrongly: false,
    stepsTaken: 1,
    maxSteps: 2,
  };

  it('the turn goes on while steps are left', () => {
    expect(stopAfterTools(turn)).toBeNull();
  });

  it('the turn stops when its steps are used up', () => {
    expect(stopAfterTools({ ...turn, stepsTaken: 2 })).toBe('max_steps');
  });

  it('to have spoken ends the turn, unless a rule makes it go on', () => {
    const spoken = { ...turn, toolNames: ['say', 'look'], speaker: 'say', lastTools: ['say'], stepsTaken: 2 };
    const goesOn = [{ type: 'continue_loop', tool_name: 'say' }] as const;
    const wantsMore = [{ type: 'required_before_exit', tool_name: 'look' }] as const;

    expect(stopAfterTools(spoken)).toBe('end_turn');
    expect(stopAfterTools({ ...spoken, rules: goesOn, maxSteps: 9 })).toBeNull();
    expect(stopAfterTools({ ...spoken, rules: wantsMore, maxSteps: 9 })).toBeNull();
  });

  it('a tool that exits the loop ends the turn, even in the last step', () => {
    const rules = [{ type: 'exit_loop', tool_name: 'look' }] as const;
    const called = [{ name: 'look', result: 'ok' }];

    expect(stopAfterTools({ ...turn, rules, called, stepsTaken: 2 })).toBe('tool_rule');
  });

  it('a call whose arguments a rule fixes wrongly ends the turn', () => {
    const rules = [{ type: 'exit_loop', tool_name: 'look' }] as const;

    expect(stopAfterTools({ ...turn, rules, isFixedWrongly: true })).toBe('invalid_tool_call');
  });
});

describe('the error of a run', () => {
  it.each<[ErrorCode, string]>([
    ['MODEL_TIMEOUT', 'llm_timeout'],
    ['MODEL_RATE_LIMIT', 'llm_rate_limit'],
    ['MODEL_AUTHENTICATION', 'llm_authentication'],
    ['MODEL_UNAVAILABLE', 'llm_error'],
    ['MODEL_BAD_REQUEST', 'llm_error'],
  ])('tells %s as %s and keeps its code for the caller', (code, errorType) => {
    const error = toModelError(new AppError(code, 'what the provider said'));

    expect(error).toMatchObject({ code, errorType, detail: 'what the provider said' });
    expect(toAppError(error!)).toMatchObject({ code, message: 'what the provider said' });
  });

  it('is nothing that the model is to blame for when something else failed', () => {
    expect(toModelError(new AppError('UNAVAILABLE', 'Postgres is away'))).toBeNull();
    expect(toModelError(new Error('a bug'))).toBeNull();
  });

  it('of an unknown code is an internal one', () => {
    expect(toAppError({ code: 'FROM_THE_FUTURE', errorType: 'x', message: 'x', detail: 'd' }).code).toBe(
      'INTERNAL',
    );
  });
});
