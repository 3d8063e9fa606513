// Tools to try the crash kit on: npm run prove -- --tools examples/prove-tools.mjs
import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

const folder = path.join(os.tmpdir(), 'everturn-prove-letters');
const fileOf = (key) => path.join(folder, createHash('sha256').update(key).digest('hex'));

export const tools = [
  {
    name: 'list_letters',
    description: 'Counts the letters that were sent.',
    parameters: { type: 'object', properties: {}, required: [] },
    effects: 'read',
    run: async () => `${(await fs.readdir(folder).catch(() => [])).length} letters`,
  },
  {
    name: 'reserve_seat',
    description: 'Reserves a seat; asking again under the same key changes nothing.',
    parameters: { type: 'object', properties: { row: { type: 'integer' } }, required: ['row'] },
    effects: 'idempotent',
    example: { row: 12 },
    run: async ({ row }, { idempotencyKey }) => {
      await fs.mkdir(folder, { recursive: true });
      await fs.writeFile(`${fileOf(idempotencyKey)}.seat`, String(row));
      return `row ${row} is reserved`;
    },
  },
  {
    name: 'send_letter',
    description: 'Sends a letter, once.',
    parameters: { type: 'object', properties: { to: { type: 'string' } }, required: ['to'] },
    effects: 'once',
    example: { to: 'Ada' },
    run: async ({ to }, { idempotencyKey }) => {
      await fs.mkdir(folder, { recursive: true });
      await fs.writeFile(fileOf(idempotencyKey), to, { flag: 'wx' });
      return `sent to ${to}`;
    },
    // Asked when the process that ran the call was lost, so that its outcome need not stay unknown.
    probe: async (_args, { idempotencyKey }) => {
      const to = await fs.readFile(fileOf(idempotencyKey), 'utf8').catch(() => null);
      return to === null ? { outcome: 'not_done' } : { outcome: 'done', result: `sent to ${to}` };
    },
  },
];
