/** How tools run that are written in TypeScript; from config.ts. */
export interface TypeScriptSettings {
  /** Whether tools that do not say so themselves reach public web servers. */
  readonly network: boolean;
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  readonly searchPath: readonly string[];
  /** Where installed packages are kept. */
  readonly packagesFolder: string;
  /** What npm finds in its environment. */
  readonly npmEnvironment: Readonly<Record<string, string>>;
  /** Addresses that tools may reach although they are not public. For tests against a server on loopback. */
  readonly allowAddress?: (address: string) => boolean;
}

/** Below this Deno itself does not get far. */
export const LEAST_MEMORY_BYTES = 256 << 20;
/** Address space that V8 reserves as data when it starts, and again for each worker of the tool, without using it. */
export const RESERVED_BYTES = 544 << 20;
