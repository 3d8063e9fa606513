import { isRecord } from '../../llm/is-record';

type Body = Readonly<Record<string, unknown>>;

const show = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/**
 * What OpenAI would refuse in a request, and what we never want to send. Returns the first problem, or null.
 * The rules are written down a second time on purpose: the builders must not be the judges of themselves.
 */
export function checkRequest(api: 'chat' | 'responses', body: Body): string | null {
  return (
    checkFields(api, body) ??
    checkRetention(body) ??
    checkTools(api, body) ??
    (api === 'chat' ? checkChatMessages(listOf(body['messages'])) : checkInput(listOf(body['input'])))
  );
}

const SHARED = ['model', 'stream', 'temperature', 'tools', 'tool_choice', 'parallel_tool_calls', 'user', 'prompt_cache_retention']; // prettier-ignore
const FIELDS = {
  chat: [...SHARED, 'messages', 'stream_options', 'max_completion_tokens', 'max_tokens', 'frequency_penalty', 'reasoning_effort', 'verbosity', 'response_format'], // prettier-ignore
  responses: [...SHARED, 'input', 'store', 'background', 'include', 'reasoning', 'text', 'max_output_tokens'],
};

function checkFields(api: 'chat' | 'responses', body: Body): string | null {
  if ('prompt_cache_key' in body) return 'prompt_cache_key is never sent';
  const unknown = Object.keys(body).find((field) => !FIELDS[api].includes(field));
  if (unknown !== undefined) return `Unrecognized request argument supplied: ${unknown}`;
  const missing = Object.entries(body).find(([, value]) => value === null);
  if (missing) return `null for ${missing[0]}`;
  if (typeof body['model'] !== 'string' || body['model'] === '') return 'you must provide a model parameter';
  const isReasoner = /^(gpt-5|o\d)/.test(body['model']);
  if (isReasoner && 'temperature' in body)
    return `Unsupported parameter: 'temperature' is not supported with this model.`;
  if (!isReasoner && ('reasoning_effort' in body || 'reasoning' in body))
    return 'reasoning for a model that has none';
  if (api === 'chat' && body['stream'] === true && !isUsageAsked(body))
    return 'stream_options.include_usage is missing';
  if ('background' in body && body['background'] !== true) return 'background is true or left out';
  if (api === 'responses' && body['store'] !== 'background' in body)
    return 'store must be true with background, false without';
  return null;
}

const isUsageAsked = (body: Body): boolean =>
  isRecord(body['stream_options']) && body['stream_options']['include_usage'] === true;

function checkRetention(body: Body): string | null {
  const model = String(body['model']);
  const isSupported = model === 'gpt-4.1' || (/^gpt-5/.test(model) && model !== 'gpt-5-mini');
  const sent = body['prompt_cache_retention'];
  if (isSupported && sent !== '24h') return `prompt_cache_retention is missing for ${model}`;
  return !isSupported && sent !== undefined ? `prompt_cache_retention is not supported for ${model}` : null;
}

function checkTools(api: 'chat' | 'responses', body: Body): string | null {
  const tools = body['tools'] === undefined ? null : listOf(body['tools']);
  if (tools === null)
    return 'tool_choice' in body || 'parallel_tool_calls' in body ? 'tool settings without tools' : null;
  if (tools.length === 0) return 'tools is an empty array';
  const names = tools.map((tool) => (api === 'chat' && isRecord(tool['function']) ? tool['function'] : tool));
  for (const tool of names) {
    if (typeof tool['name'] !== 'string' || !NAME.test(tool['name']))
      return `invalid tool name ${String(tool['name'])}`;
    if (!isRecord(tool['parameters']) || tool['parameters']['type'] !== 'object')
      return 'tool parameters are no object';
    if (api === 'responses' && typeof tool['strict'] !== 'boolean') return 'tool without strict';
  }
  return new Set(names.map((tool) => tool['name'])).size === names.length ? null : 'two tools of one name';
}

const NAME = /^[a-zA-Z0-9_-]{1,64}$/;

function checkChatMessages(messages: readonly Body[]): string | null {
  if (messages.length === 0) return 'messages is empty';
  let open = new Set<unknown>();
  for (const [at, message] of messages.entries()) {
    const role = message['role'];
    if (role === 'tool') {
      if (!open.delete(message['tool_call_id'])) return `messages[${at}]: tool result without its call`;
      if (typeof message['content'] !== 'string') return `messages[${at}]: tool content is no string`;
      continue;
    }
    if (open.size > 0) return `messages[${at}]: ${open.size} tool call(s) without a result`;
    if (role === 'assistant') {
      const calls = listOf(message['tool_calls']);
      open = new Set(calls.map((call) => call['id']));
      if (open.size !== calls.length) return `messages[${at}]: two calls of one id`;
      if (calls.some((call) => !isCall(call))) return `messages[${at}]: malformed tool call`;
      if (typeof message['content'] !== 'string' && calls.length === 0)
        return `messages[${at}]: empty assistant message`;
    } else if (role === 'system') {
      if (at !== 0) return `messages[${at}]: system message in the middle`;
    } else if (role !== 'user') return `messages[${at}]: role ${String(role)}`;
    else if (!isContent(message['content'])) return `messages[${at}]: malformed content`;
  }
  return open.size > 0 ? 'the last tool calls have no result' : null;
}

const isCall = (call: Body): boolean =>
  typeof call['id'] === 'string' &&
  call['id'] !== '' &&
  isRecord(call['function']) &&
  typeof call['function']['arguments'] === 'string' &&
  NAME.test(String(call['function']['name']));

const isContent = (content: unknown): boolean =>
  typeof content === 'string' || (Array.isArray(content) && content.length > 0 && content.every(isRecord));

function checkInput(items: readonly Body[]): string | null {
  if (items.length === 0) return 'input is empty';
  const calls = new Map<unknown, boolean>();
  for (const [at, item] of items.entries()) {
    const type = item['type'] ?? 'message';
    if (type === 'reasoning') {
      const next = items[at + 1];
      const isFollowed = next?.['type'] === 'function_call' || next?.['type'] === 'reasoning' || next?.['role'] === 'assistant'; // prettier-ignore
      if (!isFollowed) return `input[${at}]: reasoning without its required following item`;
      if (!/^enc:/.test(String(item['encrypted_content']))) return `input[${at}]: encrypted content could not be verified`;
      if (!/^rs_/.test(show(item['id']))) return `input[${at}]: reasoning id ${show(item['id'])}`;
    } else if (type === 'function_call') {
      if (calls.has(item['call_id'])) return `input[${at}]: two calls of one id`;
      if (!NAME.test(String(item['name'])) || typeof item['arguments'] !== 'string') return `input[${at}]: malformed call`;
      if (item['id'] !== undefined && !/^fc_/.test(show(item['id']))) return `input[${at}]: call id ${show(item['id'])}`;
      calls.set(item['call_id'], false);
    } else if (type === 'function_call_output') {
      if (calls.get(item['call_id']) !== false) return `input[${at}]: No tool call found for function call output`;
      calls.set(item['call_id'], true);
    } else if (type !== 'message') return `input[${at}]: type ${show(type)}`;
    else if (!['user', 'assistant', 'developer', 'system'].includes(String(item['role']))) return `input[${at}]: role`;
    else if (item['role'] === 'user' && [...calls.values()].includes(false)) return `input[${at}]: No tool output found for function call`; // prettier-ignore
  }
  return [...calls.values()].includes(false) ? 'No tool output found for function call' : null;
}

const listOf = (value: unknown): Body[] => (Array.isArray(value) ? value.filter(isRecord) : []);
