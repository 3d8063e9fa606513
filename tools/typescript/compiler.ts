import { createRequire } from 'node:module';
import type ts from 'typescript';

let loaded: typeof ts | undefined;

/** The TypeScript parser. Loading it takes 300 ms and 46 MB, so only a process that meets a TypeScript tool pays for it. */
export function compiler(): typeof ts {
  loaded ??= createRequire(__filename)('typescript') as typeof ts; // its own type
  return loaded;
}
