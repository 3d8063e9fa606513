/** How tools run that are written in Python; from config.ts. */
export interface PythonSettings {
  /** `landlock` is the kernel's own, `bwrap` adds namespaces, `none` runs tools as the server itself. */
  readonly sandbox: 'landlock' | 'bwrap' | 'none';
  /** Whether tools that do not say so themselves reach public web servers. */
  readonly network: boolean;
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  /** The interpreter; null takes the first that fits on `searchPath`. */
  readonly python: string | null;
  readonly searchPath: readonly string[];
  /** Where installed packages are kept. */
  readonly packagesFolder: string;
  /** What pip finds in its environment. */
  readonly pipEnvironment: Readonly<Record<string, string>>;
}

/** What one file of a tool may hold, and what its folder may hold in all. */
export const FILE_LIMIT_BYTES = 32 << 20;
export const FOLDER_LIMIT_BYTES = 64 << 20;
export const FOLDER_LIMIT_FILES = 2_000;
