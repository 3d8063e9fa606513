import path from 'node:path';
import { parseArgs } from 'node:util';
import { BOUNDARIES, type BoundaryName } from './boundaries';
import type { ProveOptions } from './run';

export const USAGE = `npm run prove -- [flags]

Kills Everturn's processes with kill -9 in the middle of turns, starts them again, and reports what became of every tool
call, turn and stream. Everything runs in a temporary folder that is removed at the end.

  --kills N          how many kills (default 110)
  --seed S           which plan of kills; the same seed makes the same plan (default 1)
  --minutes M        no kill begins later than this after the first one
  --tools FILE       a module that exports "tools": your own tools are called and judged as well
  --out DIR          where report.json and report.html go (default prove-report)
  --only BOUNDARY    kills at this boundary alone, see docs/prove.md
  --without-ledger   a test of the kit itself: effects may repeat, and the report must say so
  --help             this text

Exit code 0 if nothing was lost, doubled, broken or untrue, otherwise 1.
`;

export interface Flags extends ProveOptions {
  readonly out: string;
  readonly isHelp: boolean;
}

/** The command line. Throws a sentence that says what is wrong with it. */
export function readFlags(args: readonly string[]): Flags {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kills: { type: 'string', default: '110' },
      seed: { type: 'string', default: '1' },
      minutes: { type: 'string' },
      tools: { type: 'string' },
      out: { type: 'string', default: 'prove-report' },
      only: { type: 'string' },
      'without-ledger': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    kills: toNumber('--kills', values.kills, { isWhole: true, min: 1 }),
    seed: toNumber('--seed', values.seed, { isWhole: true, min: 0 }),
    minutes: values.minutes === undefined ? null : toNumber('--minutes', values.minutes, { min: 0 }),
    toolsFile: values.tools === undefined ? null : path.resolve(values.tools),
    out: path.resolve(values.out),
    only: values.only === undefined ? null : toBoundary(values.only),
    isLedgerOff: values['without-ledger'],
    isHelp: values.help,
  };
}

function toNumber(
  flag: string,
  text: string,
  { isWhole = false, min }: { isWhole?: boolean; min: number },
): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= min && (isWhole ? Number.isInteger(value) : Number.isFinite(value)))
    return value;
  throw new Error(`${flag} ${text}: write a ${isWhole ? 'whole ' : ''}number from ${min} on.`);
}

function toBoundary(text: string): BoundaryName {
  const names = [...new Set(BOUNDARIES.map(({ name }) => name))];
  const found = names.find((name) => name === text);
  if (found) return found;
  throw new Error(`--only ${text}: there is no such boundary; write one of ${names.join(', ')}.`);
}
