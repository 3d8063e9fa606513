import type { AgentType } from './agent';
import type { Message } from './message';

const BOOTING: readonly AgentType[] = ['memgpt_agent', 'memgpt_v2_agent', 'split_thread_agent'];

/**
 * The messages behind the system message of an agent of the older types: it says its first words by its own tool, and
 * learns that somebody is there. Nothing for other types, and for an agent without that tool: its model could not have
 * made the call.
 */
export function bootMessages(
  { agentType, toolNames }: { readonly agentType: AgentType; readonly toolNames: readonly string[] },
  { at, callId }: { readonly at: Date; readonly callId: string },
): readonly (Pick<Message, 'parts'> & { readonly role: 'assistant' | 'tool' | 'user' })[] {
  if (!BOOTING.includes(agentType) || !toolNames.includes('send_message')) return [];
  const name = 'send_message';
  const said = JSON.stringify({ message: 'I am awake, and ready to talk.' });
  const login = { type: 'login', last_login: 'Never (first login)', time: at.toISOString() };
  return [
    {
      role: 'assistant',
      parts: [{ type: 'tool_call', id: callId, name, arguments: said, speaks: true }],
    },
    {
      role: 'tool',
      parts: [
        { type: 'tool_return', toolCallId: callId, name, status: 'success', result: 'None', stdout: null, stderr: null, speaks: true },
      ], // prettier-ignore
    },
    { role: 'user', parts: [{ type: 'text', text: JSON.stringify(login) }] },
  ];
}
