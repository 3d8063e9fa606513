import { deliveredText, readAgentMessage, toOutcome, type AgentReply } from '../../../domain/agent-calls';

const ID = 'agent-123e4567-e89b-42d3-a456-426614174000';

it('reads whom a call is for, and whether it waits', () => {
  const one = { message: 'Hi', other_agent_id: ID };
  expect(readAgentMessage('send_message_to_agent_and_wait_for_reply', one)).toMatchObject({
    to: { agentId: ID },
    waits: true,
  });
  expect(readAgentMessage('send_message_to_agent_async', one)).toMatchObject({ waits: false });
  expect(
    readAgentMessage('send_message_to_agents_matching_tags', { message: 'Hi', match_some: ['x'] }),
  ).toEqual({ text: 'Hi', to: { allTags: [], someTags: ['x'] }, waits: true });
});

it.each([
  ['send_message_to_agent_async', { message: ' ', other_agent_id: ID }, /message is empty/],
  ['send_message_to_agent_async', { message: 'Hi', other_agent_id: 'Bob' }, /not the id of an agent/],
  ['send_message_to_agents_matching_tags', { message: 'Hi' }, /at least one/],
])('%s refuses %j', (name, args, reason) => {
  expect(() => readAgentMessage(name, args)).toThrow(reason);
});

it('tells the other agent who writes and whether an answer is waited for', () => {
  const caller = { id: ID, name: 'Ann' };
  expect(deliveredText({ text: 'Hi', waits: true }, caller)).toMatch(/Ann \(agent-.*It waits.*\n\nHi$/s);
  expect(deliveredText({ text: 'Hi', waits: false }, caller)).toMatch(/does not wait/);
});

it('a call has failed only if no agent answered it', () => {
  const reply = (status: AgentReply['status']) => ({
    agentId: ID,
    agentName: 'Ann',
    runId: 'run-1',
    status,
    text: '',
  });
  expect(toOutcome([reply('failed'), reply('answered')], true).status).toBe('success');
  expect(toOutcome([reply('failed'), reply('gone')], true).status).toBe('error');
  expect(toOutcome([reply('answered')], false).result).toContain(`{'agent_id': '${ID}', 'response': ['`);
});
