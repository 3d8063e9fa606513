import { newId } from '../../new-id';
import { insertAgent, insertConversation, insertMessage, insertRun, insertStep } from '../support/rows';
import { startTestApi, type TestApi } from '../support/test-api';

let api: TestApi;
let agentId: string;

beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  agentId = await insertAgent(api.db);
});

const planned = (index: number, facts: object) => ({ index, name: 'buy', effects: 'once', parallel: false, waits: true, ...facts }); // prettier-ignore

/** Calls of one reply that wait, as a turn leaves them; returns the message that asks. */
async function askedFor(ids: readonly string[], facts: object = {}): Promise<string> {
  const run_id = await insertRun(api.db, agentId, { stop_reason: 'requires_approval' });
  const pending = ids.map((_id, index) => planned(index, facts));
  const step_id = await insertStep(api.db, run_id, agentId, { outcome: JSON.stringify({ pending }) });
  const parts = ids.map((id) => ({ type: 'tool_call', id, name: 'buy', arguments: '{}' }) as const);
  const role = 'approval_request';
  return insertMessage(api.db, agentId, { role, parts, run_id, step_id, in_context: false });
}
const send = (message: object, rest: object = {}) =>
  api.call('POST', `/v1/agents/${agentId}/messages/async`, { body: { messages: [message], ...rest } });
const storedAnswers = async () => {
  const { rows } = await api.db.query<{ approvals: object[] | null }>(
    `select request -> 'approvals' as approvals from runs where agent_id = $1 order by queue_seq desc limit 1`,
    [agentId],
  );
  return rows[0]?.approvals;
};

it('a request that waits is the last message of the context that agents and conversations show', async () => {
  interface Shown {
    readonly message_ids?: readonly string[];
    readonly in_context_message_ids?: readonly string[];
  }
  const show = async (route: string) => (await api.call('GET', route)).body as Shown;
  const conversationId = await insertConversation(api.db, agentId);
  const messageId = await askedFor(['call-1']);

  expect(await show(`/v1/agents/${agentId}`)).toMatchObject({ message_ids: [messageId] });
  await api.db.query(`update messages set conversation_id = $1 where id = $2`, [conversationId, messageId]);
  const conversation = `/v1/conversations/${conversationId}`;
  expect(await show(conversation)).toMatchObject({ in_context_message_ids: [messageId] });
  await api.db.query(`update steps set outcome = '{"calls": []}'`);
  expect(await show(conversation)).toMatchObject({ in_context_message_ids: [] });
});

it.each([
  ['allows', true],
  ['denies', false],
])('an old client %s all that waits by the id of the request', async (_verb, approve) => {
  const messageId = await askedFor(['call-1', 'call-2']);

  const { status } = await send({ type: 'approval', approve, approval_request_id: messageId, reason: 'so' });

  expect(status).toBe(200);
  expect(await storedAnswers()).toEqual([
    { type: 'approval', toolCallId: 'call-1', approve, reason: 'so' },
    { type: 'approval', toolCallId: 'call-2', approve, reason: 'so' },
  ]);
});

it('an old client may name the call, and not another request', async () => {
  await askedFor(['call-1']);
  const other = newId('message');

  const wrong = await send({ type: 'approval', approve: true, approval_request_id: other });
  expect(wrong.status).toBe(400);
  expect(wrong.body).toEqual({
    detail: `Invalid tool call IDs. Expected '['call-1']', but received '['${other}']'.`,
  });
  expect((await send({ approve: true, approval_request_id: 'call-1' })).status).toBe(200);
});

it('a result of the client answers its call in either form; permission alone does not', async () => {
  await askedFor(['call-1'], { isClient: true });
  const result = { type: 'tool', tool_call_id: 'call-1', tool_return: 'ran', status: 'success' };

  const allowed = await send({ type: 'approval', approve: true });
  expect(allowed.status).toBe(400);
  expect(JSON.stringify(allowed.body)).toContain('answer with its result');
  for (const message of [
    { type: 'approval', approvals: [result] },
    { type: 'tool_return', tool_returns: [result] },
  ]) {
    expect((await send(message)).status).toBe(200);
    expect(await storedAnswers()).toMatchObject([{ type: 'tool', toolCallId: 'call-1', result: 'ran' }]);
  }
});

it('an answer that was given before comes to its run, unless messages come with it', async () => {
  const messageId = await askedFor(['call-1']);
  const approvals = [{ type: 'approval', tool_call_id: 'call-1', approve: true }];
  const first = await send({ type: 'approval', approvals });
  const run_id = (first.body as { id: string }).id;
  const { rows } = await api.db.query<{ step_id: string }>(
    `update messages set in_context = true where id = $1 returning step_id`,
    [messageId],
  );
  const step_id = rows[0]!.step_id;
  await api.db.query(`update steps set outcome = '{"calls":[]}', message_id = $2 where id = $1`, [
    step_id,
    messageId,
  ]);
  const parts = [{ type: 'approval', toolCallId: 'call-1', approve: true, reason: null }] as const;
  await insertMessage(api.db, agentId, { role: 'approval_response', parts, run_id, step_id });

  const again = await send({ type: 'approval', approvals: [{ ...approvals[0], approve: false }] });
  const legacy = await send({ type: 'approval', approve: true, approval_request_id: messageId });
  const unknown = await send({ type: 'approval', approvals: [{ ...approvals[0], tool_call_id: 'call-9' }] });
  const both = {
    messages: [
      { type: 'approval', approvals },
      { role: 'user', content: 'and now?' },
    ],
  };
  const withMessage = await api.call('POST', `/v1/agents/${agentId}/messages/async`, { body: both });

  expect([again, legacy].map(({ body }) => (body as { id: string }).id)).toEqual([run_id, run_id]);
  expect(unknown.status).toBe(400);
  expect(JSON.stringify(unknown.body)).toContain('No tool call is currently awaiting approval');
  expect((withMessage.body as { id: string }).id).not.toBe(run_id);
  expect(await storedAnswers()).toBeNull();
});

it('tools of a request are stored with its run, and a name that no provider takes is refused', async () => {
  const tool = { name: 'look', description: 'mine', parameters: { type: 'object', properties: {} } };
  const hello = { role: 'user', content: 'hi' };

  expect((await send(hello, { client_tools: [tool] })).status).toBe(200);
  const { rows } = await api.db.query(`select request -> 'clientTools' as tools from runs where agent_id = $1`, [agentId]); // prettier-ignore
  expect(rows).toEqual([{ tools: [tool] }]);
  expect((await send(hello, { client_tools: [{ ...tool, name: 'a b' }] })).status).toBe(422);
});

it('skills of a request are stored with its run, the last of a name alone; none at all is said too', async () => {
  const hello = { role: 'user', content: 'hi' };
  const skill = { name: 'pdf', description: 'Reads PDF.', location: 'skills/pdf/SKILL.md' };
  const older = { ...skill, description: 'Reads some PDF.' };

  for (const client_skills of [[older, skill], [], undefined]) {
    expect((await send(hello, { client_skills })).status).toBe(200);
  }
  const { rows } = await api.db.query<{ skills: unknown }>(
    `select request -> 'clientSkills' as skills from runs where agent_id = $1 order by queue_seq`,
    [agentId],
  );
  expect(rows.map(({ skills }) => skills)).toEqual([[skill], [], null]);
  expect((await send(hello, { client_skills: [{ name: 'x' }] })).status).toBe(422);
});

it('a policy is set on a tool, changed, taken back, and said anew for one agent', async () => {
  const name = `wait_${Date.now()}`;
  const json_schema = { name, parameters: {} };
  const deny = { action: 'deny', after_seconds: 60 };
  const created = await api.call('POST', '/v1/tools/', {
    body: { source_code: 'x', json_schema, approval_expiry: deny },
  });
  const { id } = created.body as { id: string };
  const patch = (approval_expiry: object) =>
    api.call('PATCH', `/v1/tools/${id}`, { body: { approval_expiry } });
  const ofAgent = async () => {
    const { body } = await api.call('GET', `/v1/agents/${agentId}/tools`);
    return (body as { approval_expiry?: object }[])[0]?.approval_expiry;
  };
  const say = (approval_expiry: object) =>
    api.call('PATCH', `/v1/agents/${agentId}/tools/approval/${name}`, {
      body: { requires_approval: true, approval_expiry },
    });

  expect(created.body).toMatchObject({ approval_expiry: deny });
  expect((await patch({ action: 'allow', after_seconds: 5 })).body).toMatchObject({
    approval_expiry: { action: 'allow', after_seconds: 5 },
  });
  await api.call('PATCH', `/v1/agents/${agentId}/tools/attach/${id}`);
  expect(await ofAgent()).toEqual({ action: 'allow', after_seconds: 5 });
  await say({ action: 'never' });
  expect(await ofAgent()).toBeUndefined();
  await say(deny);
  expect(await ofAgent()).toEqual(deny);
  expect((await patch({ action: 'never' })).body).not.toHaveProperty('approval_expiry');
  expect((await patch({ action: 'deny', after_seconds: 0 })).status).toBe(422);
  expect((await patch({ action: 'deny' })).status).toBe(422);
});

it('an agent shows the request that waits to whoever includes it', async () => {
  const show = async () => {
    const { body } = await api.call('GET', `/v1/agents/${agentId}?include=agent.pending_approval`);
    return (body as { pending_approval: unknown }).pending_approval;
  };
  expect(await show()).toBeNull();

  const messageId = await askedFor(['call-1', 'call-2']);

  expect(await show()).toMatchObject({
    id: messageId,
    message_type: 'approval_request_message',
    tool_call: { tool_call_id: 'call-1' },
    tool_calls: [{ tool_call_id: 'call-1' }, { tool_call_id: 'call-2' }],
  });
  await api.db.query(`update steps set outcome = '{"calls": []}' where agent_id = $1`, [agentId]);
  expect(await show()).toBeNull();
});

it.each(['cancelled', 'failed'])(
  'answers that come again after their turn was %s make the agent go on',
  async (status) => {
    const run_id = await insertRun(api.db, agentId, { status });
    const step_id = await insertStep(api.db, run_id, agentId, { outcome: '{"calls":[]}' });
    const parts = [{ type: 'approval', toolCallId: 'call-1', approve: true, reason: null }] as const;
    await insertMessage(api.db, agentId, { role: 'approval_response', parts, run_id, step_id });

    const again = await send({
      type: 'approval',
      approvals: [{ type: 'approval', tool_call_id: 'call-1', approve: true }],
    });

    expect(again.status).toBe(200);
    expect((again.body as { id: string }).id).not.toBe(run_id);
    const { rows } = await api.db.query<{ request: { approvals: unknown; messages: object[] } }>(
      `select request from runs where agent_id = $1 order by queue_seq desc limit 1`,
      [agentId],
    );
    expect(rows[0]!.request.approvals).toBeNull();
    expect(rows[0]!.request.messages).toMatchObject([
      { role: 'user', parts: [{ text: expect.stringContaining('keep-alive') as string }] },
    ]);
  },
);

it('a run that waits is a cancelled one once it is cancelled', async () => {
  await askedFor(['call-1']);
  const { rows } = await api.db.query<{ id: string }>(`select id from runs where agent_id = $1`, [agentId]);
  const run = `/v1/runs/${rows[0]!.id}`;
  expect((await api.call('GET', run)).body).toMatchObject({ stop_reason: 'requires_approval' });

  await api.call('POST', `/v1/agents/${agentId}/messages/cancel`);

  expect((await api.call('GET', run)).body).toMatchObject({ status: 'cancelled', stop_reason: 'cancelled' });
  expect((await api.call('GET', `/v1/agents/${agentId}`)).body).toMatchObject({
    last_stop_reason: 'cancelled',
  });
});

it('an answer by the id of the request is refused where there is none', async () => {
  const answer = (body: object) => api.call('POST', `/v1/approvals/${newId('message')}/answer`, { body });

  expect((await answer({ approve: true })).status).toBe(404);
  expect((await answer({})).status).toBe(422);
  expect((await answer({ approve: true, approvals: [{}] })).status).toBe(422);
});
