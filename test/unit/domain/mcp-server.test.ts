import {
  mcpSecretsOf,
  resolveMcpVariables,
  withoutSecrets,
  type McpHttpConfig,
} from '../../../domain/mcp-server';

const http = (fields: Partial<McpHttpConfig>): McpHttpConfig => ({
  type: 'sse',
  url: 'https://mcp.example.com',
  authHeader: null,
  authToken: null,
  headers: {},
  ...fields,
});

it("replaces variables by an agent's secrets, or what stands behind the bar, and leaves unknown ones", () => {
  const config = http({
    authToken: 'Bearer {{ TOKEN }}',
    headers: { a: '{{A|one}}-{{ B | two }}', b: '{{ NOBODY }}', c: '{{ lower }}', d: '{{ TOKEN | spare }}' },
  });

  expect(resolveMcpVariables(config, { TOKEN: 't', A: '' })).toMatchObject({
    authToken: 'Bearer t',
    headers: { a: '-two', b: '{{ NOBODY }}', c: '{{ lower }}', d: 't' },
  });
});

it('takes secrets out of a text, with and without their scheme, the longest first', () => {
  const secrets = mcpSecretsOf(
    http({ authToken: 'Bearer abcdef-123', headers: { a: 'abcdef', b: 'short' } }),
  );

  expect(withoutSecrets('got abcdef-123, "Bearer abcdef-123", abcdef and short', secrets)).toBe(
    'got [secret], "[secret]", [secret] and short',
  );
});

it('counts every variable of a child process as a secret', () => {
  expect(
    mcpSecretsOf({ type: 'stdio', command: 'c', args: ['--visible'], env: { A: 'hidden-a', B: '1' } }),
  ).toEqual(['hidden-a']);
});
