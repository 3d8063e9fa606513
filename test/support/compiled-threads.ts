import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { transformFileSync } from '@swc/core';

const ROOT = path.join(__dirname, '../..');

export interface CompiledThreads {
  /** Path of a thread's entry: `read-page-thread`, or one given to `compileThreads`. */
  entry(name: string): string;
  close(): void;
}

/**
 * Compiles the threads that read web pages and PDF documents, as a build does: threads run JavaScript. It lies below the project, so that
 * it finds its packages. `scripts` are further entries, by name.
 */
export function compileThreads(scripts: Readonly<Record<string, string>> = {}): CompiledThreads {
  const cache = path.join(ROOT, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(path.join(cache, 'threads-'));
  const entry = (name: string) => path.join(folder, `${name}.js`);
  for (const file of ['web/read-page-thread', 'web/html-to-markdown', 'pdf/read-pdf-thread']) {
    const [source, name] = [path.join(ROOT, 'tools', `${file}.ts`), path.basename(file)];
    writeFileSync(entry(name), transformFileSync(source, { configFile: path.join(ROOT, '.swcrc') }).code);
  }
  for (const [name, code] of Object.entries(scripts)) writeFileSync(entry(name), code);
  return { entry, close: () => rmSync(folder, { recursive: true }) };
}
