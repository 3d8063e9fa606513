import { until } from './started';

/** What the tests read of a run. */
export interface LiveRun {
  readonly id: string;
  readonly status: string;
  readonly stop_reason: string | null;
}
interface LiveMessage {
  readonly id: string;
  readonly message_type: string;
  readonly content?: unknown;
  readonly tool_call?: { readonly arguments: string };
  readonly tool_return?: string;
}

/** One JSON request to a running server. Throws on any status but 2xx. */
export async function call<T>(url: string, method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(url + path, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text) as T; // the caller knows the route's shape
}

/** Creates an agent on the fake's gpt-4.1 with one block `human`; returns its id and the block's. */
export async function createAgent(
  url: string,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly id: string; readonly blockId: string }> {
  const agent = await call<{ id: string; blocks: { id: string }[] }>(url, 'POST', '/v1/agents/', {
    name: 'survivor',
    model: 'openai/gpt-4.1',
    memory_blocks: [{ label: 'human', value: 'start' }],
    ...fields,
  });
  return { id: agent.id, blockId: agent.blocks[0]?.id ?? '' };
}

/** Starts a turn that nobody waits for; returns its run id. */
export async function sendAsync(
  url: string,
  agentId: string,
  content: string,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const messages = [{ role: 'user', content }];
  const run = await call<LiveRun>(url, 'POST', `/v1/agents/${agentId}/messages/async`, {
    messages,
    ...fields,
  });
  return run.id;
}

/** Polls until the run is over; a server that is away is asked again. */
export async function runEnd(url: string, runId: string, timeoutMs = 90_000): Promise<LiveRun> {
  let run: LiveRun | undefined;
  await until(
    async () => {
      run = await call<LiveRun>(url, 'GET', `/v1/runs/${runId}`).catch(() => undefined);
      return run !== undefined && !['created', 'running'].includes(run.status);
    },
    timeoutMs,
    () => `the run is ${run?.status ?? 'not to be reached'}`,
  );
  return run!;
}

/** The agent's thread in order, one line a message, the system message left out. */
export async function transcript(url: string, agentId: string): Promise<readonly string[]> {
  const messages = await call<LiveMessage[]>(
    url,
    'GET',
    `/v1/agents/${agentId}/messages?order=asc&limit=100`,
  );
  return messages
    .filter(({ message_type: type }) => type !== 'system_message')
    .map((message) => {
      switch (message.message_type) {
        case 'tool_call_message':
          return `call: ${factOf(message)}`;
        case 'tool_return_message':
          return 'result';
        default:
          return `${message.message_type.replace('_message', '')}: ${String(message.content)}`;
      }
    });
}

/** What a memory edit of the five steps adds. */
function factOf({ tool_call: call }: LiveMessage): string {
  const { new_string: fact } = JSON.parse(call?.arguments ?? '{}') as { new_string?: string };
  return fact ?? '';
}

export const blockValue = async (url: string, blockId: string): Promise<string> =>
  (await call<{ value: string }>(url, 'GET', `/v1/blocks/${blockId}`)).value;
