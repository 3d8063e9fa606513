import { newId } from '../../new-id';
import { insertAgent, insertMessage, insertStep } from '../support/rows';
import { answeredBy, startTestApi, type TestApi } from '../support/test-api';

let api: TestApi;
let agentId: string;
beforeAll(async () => {
  api = await startTestApi({
    modelClient: answeredBy(() => ({
      complete: () => Promise.reject(new Error('a preview asks nobody')),
      preview: ({ model, messages }) => Promise.resolve({ model, messages }),
    })),
  });
});
afterAll(() => api.close());
beforeEach(async () => {
  agentId = await insertAgent(api.db);
});

const preview = (body: object, id = agentId) =>
  api.call('POST', `/v1/agents/${id}/messages/preview-raw-payload`, { body });
const rows = async () =>
  (
    await api.db.query(
      `select (select count(*) from runs) as runs, (select count(*) from steps) as steps,
              (select count(*) from messages) as messages`,
    )
  ).rows;

it('shows what a message would be sent as, also while a turn is under way, and stores nothing', async () => {
  await api.call('POST', `/v1/agents/${agentId}/messages/async`, { body: { input: 'first' } });
  const before = await rows();

  const { status, body } = await preview({ input: 'Hi' });

  expect(status).toBe(200);
  expect(body).toMatchObject({
    messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
  });
  expect(await rows()).toEqual(before);
});

it('is refused as the message would be', async () => {
  const { body: run } = await api.call('POST', `/v1/agents/${agentId}/messages/async`, {
    body: { input: 'x' },
  });
  const answers = [
    await preview({ messages: [] }),
    await preview({ input: 'Hi' }, newId('agent')),
    await preview({ input: 'Hi', override_model: 'openai/gpt-nope' }),
    await preview({ messages: [{ type: 'approval', approvals: [] }] }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([422, 404, 404, 400]);

  const runId = (run as { id: string }).id;
  const step_id = await insertStep(api.db, runId, agentId, { status: 'success', outcome: { pending: [] } });
  const parts = [{ type: 'tool_call', id: 'call-1', name: 'buy', arguments: '{}' }] as const;
  await insertMessage(api.db, agentId, {
    role: 'approval_request',
    parts,
    run_id: runId,
    step_id,
    in_context: false,
  });
  expect(await preview({ input: 'Hi' })).toMatchObject({
    status: 409,
    body: { detail: { code: 'PENDING_APPROVAL' } },
  });
});

it('a message is never changed', async () => {
  const answer = await api.call('PATCH', `/v1/agents/${agentId}/messages/${newId('message')}`, {
    body: { message_type: 'user_message', content: 'other' },
  });

  expect(answer).toMatchObject({ status: 405, body: { detail: expect.stringContaining('never changed') } });
});
