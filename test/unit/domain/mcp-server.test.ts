import {
  isSecretVariable,
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

it.each([
  ['API_KEY', 'x'],
  ['openaiApiKey', 'x'],
  ['DB_PASSWORD', 'x'],
  ['GITHUB_TOKEN', 'x'],
  ['OAUTH', 'x'],
  ['AWS_CREDENTIALS_FILE', '/x'],
  ['DATABASE_URL', 'postgres://ada:pw@db/app'],
  ['ENDPOINT', 'https://example.org/?token=1'],
  ['VALUE', 'sk-abc'],
  ['VALUE', 'ghp_16C7e42F292c6912E7'],
  ['VALUE', '0d6c4b7fd8f04b1aa1c5'],
  ['HEADER', 'Bearer x'],
])('the variable %s=%s is a secret', (name, value) => {
  expect(isSecretVariable(name, value)).toBe(true);
});

it.each([
  ['NODE_ENV', 'production'],
  ['PORT', '3000'],
  ['PYTHONPATH', '/usr/local/lib/python3.12/site-packages'],
  ['MONKEY', 'banana'],
  ['BASE_URL', 'https://example.org/v1'],
  ['TOKEN', ''],
])('the variable %s=%s is shown', (name, value) => {
  expect(isSecretVariable(name, value)).toBe(false);
});
