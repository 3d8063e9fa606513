import { call } from './live-api';

interface Message {
  readonly message_type: string;
  readonly tool_call_id?: string;
  readonly tool_calls?: readonly { readonly tool_call_id: string; readonly name: string }[];
  readonly name?: string;
  readonly status?: string;
  readonly tool_return?: string;
  readonly effect_status?: string;
}
/** A thread with tools, as its client reads it. */
export interface ToolThread {
  /** A word a message in order: `user`, `call`, `return`, `approval_response`, `assistant`. */
  readonly shape: readonly string[];
  /** The ids of calls and of results, each in order. */
  readonly called: readonly string[];
  readonly returned: readonly string[];
  readonly returns: readonly Message[];
}

const SERVER_CALLS = Array(3).fill(['call', 'return']).flat() as readonly string[];
/** Three tools of the server and then one of the client, each a step of its own. */
export const FOUR_CALLS = ['user', ...SERVER_CALLS, 'call', 'approval_response', 'return', 'assistant'];

const WORDS: Readonly<Record<string, string>> = {
  tool_call_message: 'call',
  approval_request_message: 'call',
  tool_return_message: 'return',
};
const wordOf = ({ message_type: type }: Message): string => WORDS[type] ?? type.replace('_message', '');

export async function toolThread(url: string, agentId: string): Promise<ToolThread> {
  const all = await call<Message[]>(url, 'GET', `/v1/agents/${agentId}/messages?order=asc&limit=100`);
  const messages = all.filter(({ message_type: type }) => type !== 'system_message');
  const returns = messages.filter((each) => wordOf(each) === 'return');
  return {
    shape: messages.map(wordOf),
    called: messages.flatMap(({ tool_calls: calls = [] }) => calls.map(({ tool_call_id: id }) => id)),
    returned: returns.map(({ tool_call_id: id = '' }) => id),
    returns,
  };
}
