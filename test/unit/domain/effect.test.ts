import { lostOutcome, settledNote, verdictOutcome } from '../../../domain/effect';
import { planStep } from '../../../domain/plan-step';
import { toPrompt } from '../../../domain/prompt';
import { buildMessage, buildStep } from '../../support/build-step';

const SETTLED = {
  noteId: 'message-note',
  toolName: 'send_mail',
  toolCallId: 'call_1',
  status: 'success',
  result: 'Sent at noon.',
} as const;

it('a lost call that may have acted is called unknown, and never an error of the tool', () => {
  const { status, result } = lostOutcome('send_mail', 'TIMEOUT', true);

  expect(status).toBe('error');
  expect(result).toMatch(/unknown.*TIMEOUT.*may or may not have acted.*not repeated/);
});

it('a call that was given up at its limit is not said to have lost its process', () => {
  for (const mayHaveActed of [true, false]) {
    expect(lostOutcome('send_mail', 'TOOL_TIMEOUT', mayHaveActed).result).toMatch(/within its time limit/);
  }
});

it('a call that was lost before it began is said not to have completed', () => {
  expect(lostOutcome('send_mail', 'NOT_FOUND', false).result).toMatch(/could not be completed/);
});

it("an operator's words are the result of a call that was done", () => {
  expect(verdictOutcome('send_mail', 'done', 'Sent at noon.')).toEqual({
    status: 'success',
    result: 'Sent at noon.',
    stdout: null,
    stderr: null,
  });
  expect(verdictOutcome('send_mail', 'done', null)).toMatchObject({ status: 'success' });
});

it('a call that was not done is an error that says so, with what the operator adds', () => {
  const { status, result } = verdictOutcome('send_mail', 'not_done', 'The outbox is empty.');

  expect(status).toBe('error');
  expect(result).toBe('send_mail did not run; nothing was done. The outbox is empty.');
});

it('the first step of a turn tells the model what became of a call, before the new message', () => {
  const plan = planStep(buildStep({ settledEffects: [SETTLED] }), {
    now: new Date(0),
    noteId: 'message-n',
    skillsNoteId: 'message-s',
    folderNoteId: 'message-folders',
  });

  expect(plan.newMessages.map(({ id, role }) => [id, role])).toEqual([
    ['message-note', 'note'],
    ['message-in', 'user'],
  ]);
  const [note, input] = plan.prompt.slice(-2);
  expect(JSON.stringify(note)).toContain('Sent at noon.');
  expect(JSON.stringify(note)).toContain('call_1');
  expect(JSON.stringify(input)).toContain('Hi');
  expect(settledNote(SETTLED)).toContain('send_mail');
});

it('later steps of a turn say nothing of it', () => {
  const plan = planStep(buildStep({ step: 1, settledEffects: [SETTLED] }), {
    now: new Date(0),
    noteId: 'message-n',
    skillsNoteId: 'message-s',
    folderNoteId: 'message-folders',
  });

  expect(plan.newMessages).toEqual([]);
});

it('a resolution leaves the prompt as it was, byte for byte', () => {
  const told = { type: 'tool_return', toolCallId: 'call_1', name: 'send_mail', status: 'error', result: 'unknown', stdout: null, stderr: null } as const; // prettier-ignore
  const resolution = { status: 'success', result: 'Sent.', stdout: null, stderr: null } as const;

  const before = toPrompt([buildMessage('tool', [{ ...told, effectStatus: 'unknown' }])]);
  const after = toPrompt([buildMessage('tool', [{ ...told, effectStatus: 'unknown', resolution }])]);

  expect(JSON.stringify(after)).toBe(JSON.stringify(before));
});

it('says of a lost server that it was the server, and of a lost process that it was the process', () => {
  expect(lostOutcome('charge', 'OUTCOME_UNKNOWN', true).result).toContain(
    'its server was lost, or gave no answer',
  );
  expect(lostOutcome('charge', 'WORKER_LOST', true).result).toContain(
    'the process running it was lost (WORKER_LOST)',
  );
});
