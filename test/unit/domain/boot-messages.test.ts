import { bootMessages } from '../../../domain/boot-messages';

const at = { at: new Date(0), callId: 'call_1' };
const roles = (agentType: Parameters<typeof bootMessages>[0]['agentType'], toolNames = ['send_message']) =>
  bootMessages({ agentType, toolNames }, at).map(({ role }) => role);

it('agents of the older types begin with words of their own and a login', () => {
  expect(roles('memgpt_agent')).toEqual(['assistant', 'tool', 'user']);
  expect(roles('memgpt_v2_agent')).toEqual(['assistant', 'tool', 'user']);
});

it('agents of other types, and those that cannot speak by a tool, begin with nothing', () => {
  expect(roles('letta_v1_agent')).toEqual([]);
  expect(roles('sleeptime_agent')).toEqual([]);
  expect(roles('memgpt_v2_agent', ['memory_insert'])).toEqual([]);
});
