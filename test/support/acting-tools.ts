import type Letta from '@letta-ai/letta-client';
import fs from 'node:fs';
import path from 'node:path';

// Source tools that act where the test can see it although their sandbox lets them reach nothing. Each call stays in the
// middle until it is released. A Python tool writes its key into its own folder; a TypeScript tool, which can write
// nothing, keeps its own source open, read up to here.
const READ_BYTES = 7;

export type Effects = 'once' | 'idempotent' | 'read';

const pythonSource = (name: string) => `
def ${name}(label: str) -> str:
    """
    Acts.

    Args:
        label (str): What for.
    """
    import os, time
    key = os.environ["EVERTURN_IDEMPOTENCY_KEY"]
    with open("acting", "w") as file:
        file.write(key)
    os.rename("acting", "acted-${name}")
    while not os.path.exists("go"):
        time.sleep(0.02)
    return f"acted for {label} {key}"
`;

const typeScriptSource = (name: string) => `
/**
 * Acts.
 * @param label - What for.
 */
export async function ${name}(label: string): Promise<string> {
  const own = new URL(import.meta.url);
  Deno.openSync(own).readSync(new Uint8Array(${READ_BYTES}));
  while (!Deno.readTextFileSync(own).endsWith('// go')) await new Promise((resolve) => setTimeout(resolve, 20));
  return 'acted for ' + label + ' ' + Deno.env.get('EVERTURN_IDEMPOTENCY_KEY');
}
`;

/** Stores `py_<effects>` and `ts_<effects>`. */
export async function createActingTools(client: Letta, effects: Effects): Promise<void> {
  for (const [source_type, source_code] of [
    ['python', pythonSource(`py_${effects}`)],
    ['typescript', typeScriptSource(`ts_${effects}`)],
  ] as const)
    await client.tools.create({ source_code, source_type, effects } as never); // `effects` is a field of our own.
}

/** Sees the calls of acting tools whose server has `folder` for its temporary files. */
export interface Witness {
  /** How many attempts of a tool have acted. */
  attempts(tool: string): number;
  /** Lets the attempts of a tool end, those that are in the middle and those to come. */
  release(tool: string): void;
  stop(): void;
}

export function createWitness(folder: string): Witness {
  const acted = new Map<string, string>();
  const released = new Set<string>();
  function look(): void {
    for (const name of fs.readdirSync(folder).filter((each) => each.startsWith('everturn-tool-'))) {
      const attempt = path.join(folder, name);
      const tool = acted.get(attempt) ?? actingTool(attempt);
      if (tool === null) continue;
      acted.set(attempt, tool);
      if (released.has(tool)) letGo(attempt);
    }
  }
  const timer = setInterval(look, 50);
  return {
    attempts: (tool) => [...acted.values()].filter((each) => each === tool).length,
    release: (tool) => void released.add(tool),
    stop: () => clearInterval(timer),
  };
}

function letGo(attempt: string): void {
  const source = path.join(attempt, 'tool.ts');
  const text = quietly(() => fs.readFileSync(source, 'utf8'));
  quietly(() => {
    if (text === '') fs.writeFileSync(path.join(attempt, 'go'), '');
    else if (!text.endsWith('// go')) fs.appendFileSync(source, '// go');
    return '';
  });
}

/** The tool that acts in a folder; null while none does. */
function actingTool(attempt: string): string | null {
  const sign = quietly(() => fs.readdirSync(attempt).join('\n'));
  const python = /^acted-(\w+)$/m.exec(sign)?.[1];
  if (python !== undefined) return python;
  const source = path.join(attempt, 'tool.ts');
  const name = /function (\w+)\(/.exec(quietly(() => fs.readFileSync(source, 'utf8')))?.[1];
  return name !== undefined && isReadUpToHere(source) ? name : null;
}

function isReadUpToHere(source: string): boolean {
  // Its Deno is the process that may read this source.
  const pid = fs
    .readdirSync('/proc')
    .filter((each) => /^\d+$/.test(each))
    .find((each) => {
      const command = quietly(() => fs.readFileSync(`/proc/${each}/cmdline`, 'utf8'));
      return command.includes(`--allow-read=${source}`) && !command.startsWith('/bin/sh');
    });
  const descriptors = quietly(() => fs.readdirSync(`/proc/${pid}/fd`).join()).split(',');
  return descriptors.some(
    (fd) =>
      quietly(() => fs.readlinkSync(`/proc/${pid}/fd/${fd}`)) === source &&
      quietly(() => fs.readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8')).startsWith(`pos:\t${READ_BYTES}\n`),
  );
}

/** What is gone, or never was, holds nothing. */
function quietly(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
