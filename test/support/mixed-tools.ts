import { call } from './live-api';

const PYTHON = `
def add_in_python(a: int, b: int) -> int:
    """
    Adds.

    Args:
        a (int): One number.
        b (int): Another one.
    """
    return a + b
`;
const TYPESCRIPT = `
/**
 * Adds.
 * @param {integer} a - One number.
 * @param {integer} b - Another one.
 */
export function add_in_typescript(a: number, b: number): number {
  return a + b;
}
`;
const CODE = JSON.stringify({ language: 'python', code: '1 + 2' });

interface Stored {
  readonly id: string;
  readonly name: string;
}

/**
 * Stores a tool of each kind beside `run_code`: Python, TypeScript, MCP over HTTP and over stdio (servers of mcp-tools.ts).
 * All but `run_code` may run side by side. `message` makes the fake model call each of the five twice in one step.
 */
export async function createMixedTools(
  api: string,
  { url, stdio }: { readonly url: string; readonly stdio: readonly [command: string, ...args: string[]] },
): Promise<{ readonly names: readonly string[]; readonly message: string }> {
  const [command, ...args] = stdio;
  const python = await call<Stored>(api, 'POST', '/v1/tools/', { source_code: PYTHON });
  const typescript = await call<Stored>(api, 'POST', '/v1/tools/', {
    source_code: TYPESCRIPT,
    source_type: 'typescript',
  });
  const overHttp = await lookOf(api, 'web', { mcp_server_type: 'streamable_http', server_url: url });
  const overStdio = await lookOf(api, 'pipe', { mcp_server_type: 'stdio', command, args });
  const sideBySide = [
    [python, '{"a":1,"b":2}'],
    [typescript, '{"a":1,"b":2}'],
    [overHttp, '{"label":"x"}'],
    [overStdio, '{"label":"x"}'],
  ] as const;
  for (const [{ id }] of sideBySide)
    await call(api, 'PATCH', `/v1/tools/${id}`, { enable_parallel_execution: true });
  const calls = sideBySide.map(([{ name }, given]) => `CALL ${name} ${given}`);
  const code = `CALL run_code ${CODE}`;
  return {
    names: [...sideBySide.map(([{ name }]) => name), 'run_code'],
    message: [...calls, ...calls, code, code].join('\n'),
  };
}

/** The tool `look` of a server that is added under a name. */
async function lookOf(api: string, server_name: string, config: object): Promise<Stored> {
  const server = await call<Stored>(api, 'POST', '/v1/mcp-servers/', { server_name, config });
  const tools = await call<Stored[]>(api, 'GET', `/v1/mcp-servers/${server.id}/tools`);
  const look = tools.find(({ name }) => name.endsWith('look'));
  if (!look) throw new Error(`the MCP server ${server_name} lists no tool look`);
  return look;
}

/**
 * An agent with these tools, whose model may call many at once. They may be repeated: on a machine that is so busy that
 * heartbeats come late, a call that may not is given up.
 */
export async function createMixedAgent(api: string, names: readonly string[]): Promise<string> {
  const { id } = await call<Stored>(api, 'POST', '/v1/agents/', {
    model: 'openai/gpt-4.1',
    tools: names,
    include_base_tools: false,
    parallel_tool_calls: true,
  });
  for (const name of names)
    await call(api, 'PATCH', `/v1/agents/${id}/tools/effects/${name}`, { effects: 'read' });
  return id;
}
