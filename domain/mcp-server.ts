/** How a server of the Model Context Protocol is reached. */
export const MCP_SERVER_TYPES = ['stdio', 'sse', 'streamable_http'] as const;
export type McpServerType = (typeof MCP_SERVER_TYPES)[number];

/** A program that runs as a child process. `env` may hold secrets. */
export interface McpStdioConfig {
  readonly type: 'stdio';
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** A server on the network. `authToken` and `headers` are secrets; both may name an agent's secrets as `{{ NAME }}`. */
export interface McpHttpConfig {
  readonly type: 'sse' | 'streamable_http';
  readonly url: string;
  readonly authHeader: string | null;
  readonly authToken: string | null;
  readonly headers: Readonly<Record<string, string>>;
}
export type McpConfig = McpStdioConfig | McpHttpConfig;

/** What it takes to open a session. A server that is only tried out has neither an id nor a version. */
export interface McpTarget {
  readonly id: string | null;
  readonly name: string;
  readonly config: McpConfig;
  /** Counts changes of the configuration: a session of another version is not used. */
  readonly version: number;
}

/** A server as it is stored. */
export interface McpServer extends McpTarget {
  readonly id: string;
  /** When its list of tools was last read; null if it never was. */
  readonly toolsReadAt: Date | null;
  /** Why the last attempt to read it failed; null after one that did not. */
  readonly toolsError: string | null;
}

/** What stands where a secret is not shown. Sent back in an update, it keeps the stored value. */
export const MCP_SECRET_MASK = '[secret]';

// A name that may name a secret, a value that may hold one: what is in doubt is one.
const SECRET_NAME =
  /secret|token|passw|passphrase|credential|auth|bearer|cookie|session|private|signature|connection|(^|[^a-z])(key|pass|pwd|pat|dsn|cert|salt|pin)s?([^a-z]|$)|(api|access)key/i;
const SECRET_VALUE =
  /^(bearer|basic|token)\s|-----BEGIN|:\/\/[^/\s]*@|(key|token|secret|passw\w*|pwd|sig\w*|code)=|\b(sk|pk|rk|ghp|gho|ghs|glpat|xox[a-z]|AKIA|AIza|eyJ)[-_A-Za-z0-9]/i;
const OPAQUE_RUN = /[A-Za-z0-9_+=-]{20,}/g;

/** Whether a variable of a program is not to be shown: its name or its value looks like that of a secret. */
export function isSecretVariable(name: string, value: string): boolean {
  if (value === '') return false;
  const isOpaque = (value.match(OPAQUE_RUN) ?? []).some((run) => /\d/.test(run) && /[A-Za-z]/.test(run));
  return isOpaque || SECRET_NAME.test(name) || SECRET_VALUE.test(value);
}

// Shorter ones are words that any text may hold.
const MIN_SECRET_LENGTH = 6;

/** The values of a configuration that must appear in no message, the longest first. */
export function mcpSecretsOf(config: McpConfig): readonly string[] {
  const values =
    config.type === 'stdio'
      ? Object.values(config.env)
      : [config.authToken ?? '', ...Object.values(config.headers)].flatMap((value) => [
          value,
          value.replace(/^(Bearer|Basic|Token)\s+/i, ''),
        ]);
  return [...new Set(values)]
    .filter((value) => value.length >= MIN_SECRET_LENGTH)
    .sort((a, b) => b.length - a.length);
}

/** `text` without these secrets. */
export const withoutSecrets = (text: string, secrets: readonly string[]): string =>
  secrets.reduce((rest, secret) => rest.replaceAll(secret, MCP_SECRET_MASK), text);

const VARIABLE = /\{\{\s*([A-Z_][A-Z0-9_]*)\s*(?:\|([^{}]*))?\}\}/g;

/** The configuration with `{{ NAME }}` and `{{ NAME | default }}` replaced by an agent's secrets; unknown names stay. */
export function resolveMcpVariables(config: McpConfig, secrets: Readonly<Record<string, string>>): McpConfig {
  if (config.type === 'stdio') return config;
  const resolve = (text: string): string =>
    text.replace(VARIABLE, (whole, name: string, fallback?: string) =>
      Object.hasOwn(secrets, name) ? (secrets[name] ?? '') : (fallback?.trim() ?? whole),
    );
  return {
    ...config,
    authToken: config.authToken === null ? null : resolve(config.authToken),
    headers: Object.fromEntries(
      Object.entries(config.headers).map(([name, value]) => [name, resolve(value)]),
    ),
  };
}
