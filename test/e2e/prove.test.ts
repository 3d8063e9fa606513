import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BOUNDARIES } from '../../prove/boundaries';
import { planKills } from '../../prove/plan';
import { FAILURES, type Report } from '../../prove/report';
import { descendants, isAlive, until } from '../support/started';

jest.setTimeout(600_000);

const ROOT = path.resolve(__dirname, '..', '..');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'everturn-prove-test-'));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** The kit as `npm run prove` starts it, in a folder for temporary files of its own. */
function startKit(name: string, args: readonly string[]) {
  const temporary = path.join(folder, name);
  const out = path.join(folder, `${name}-report`);
  fs.mkdirSync(temporary);
  const child = spawn(process.execPath, [path.join(ROOT, 'dist/prove/main.js'), '--out', out, ...args], {
    cwd: ROOT,
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return {
    child,
    ended,
    output: () => output,
    leftovers: () => fs.readdirSync(temporary),
    report: () => JSON.parse(fs.readFileSync(path.join(out, 'report.json'), 'utf8')) as Report,
    page: () => fs.readFileSync(path.join(out, 'report.html'), 'utf8'),
  };
}

const noFailures = Object.fromEntries(Object.keys(FAILURES).map((failure) => [failure, []]));

it('fifty kills lose no turn, double no effect, break no stream and leave no transcript invalid', async () => {
  const kit = startKit('fifty', ['--kills', '50', '--seed', '5']);

  const code = await kit.ended;

  expect({ code, output: code === 0 ? '' : kit.output() }).toEqual({ code: 0, output: '' });
  const report = kit.report();
  expect(report.kills).toBe(50);
  expect(report.failures).toEqual(noFailures);
  expect(report.turns).toBeGreaterThan(20);
  expect(report.crashPoints).toBeGreaterThan(50);
  for (const { kills } of report.kinds) expect(kills).toBeGreaterThan(0);
  for (const effects of ['read', 'idempotent', 'transactional'] as const) {
    const { exact, unknown } = report.allCalls[effects];
    expect({ exact: exact > 0, unknown }).toEqual({ exact: true, unknown: 0 });
  }
  expect(kit.page()).toContain('Passed');
  expect(kit.leftovers()).toEqual([]);
});

// Both kinds of process that run tools die once between a call that may act once and its result.
const seedOfDuplicates = (): number => {
  const boundaries = BOUNDARIES.filter(({ name }) => name === 'tool-effect-done');
  for (let seed = 0; ; seed++) {
    const struck = planKills({ kills: 3, seed, boundaries })
      .flatMap(({ ofLanes }) => ofLanes.flat())
      .filter(({ aims }) => aims[0]!.boundary.effects === 'once')
      .map(({ kind }) => kind);
    if (struck.includes('worker') && struck.includes('server')) return seed;
  }
};

it('without the ledger the same kills double effects, and the kit says so', async () => {
  const seed = String(seedOfDuplicates());
  const kit = startKit('doubled', [
    '--kills',
    '3',
    '--seed',
    seed,
    '--only',
    'tool-effect-done',
    '--without-ledger',
  ]);

  expect({ code: await kit.ended, output: kit.output() }).toMatchObject({ code: 1 });

  const report = kit.report();
  expect(report.allCalls.once.duplicate).toBeGreaterThan(0);
  expect(report.failures.duplicates).toHaveLength(report.allCalls.once.duplicate);
  expect(report.hasPassed).toBe(false);
  expect(kit.output()).toContain('FAILED');
  expect(kit.leftovers()).toEqual([]);
});

it('Ctrl-C ends the kills, and what was seen of the tools of a user so far is reported', async () => {
  const kit = startKit('stopped', ['--kills', '1000', '--tools', 'examples/prove-tools.mjs']);
  await until(() => kit.output().includes('of 1000 kills'), 120_000, kit.output);

  kit.child.kill('SIGINT');

  expect({ code: await kit.ended, output: kit.output() }).toMatchObject({ code: 0 });
  const report = kit.report();
  expect(report.kills).toBeGreaterThan(0);
  expect(report.cut).toBe('it was stopped');
  expect(kit.output()).toContain('CUT SHORT: it was stopped');
  expect(report.tools['reserve_seat']!.exact).toBeGreaterThan(0);
  // A tool that can say what became of its call is never unknown.
  expect(report.tools['send_letter']).toMatchObject({ unknown: 0, duplicate: 0, lost: 0 });
  // What the tools of the user wrote is theirs.
  expect(kit.leftovers()).toEqual(['everturn-prove-letters']);
});

it('Ctrl-C twice ends the kit in the middle of its kills and leaves no process and no file', async () => {
  const kit = startKit('dropped', ['--kills', '1000']);
  await until(() => kit.output().includes('of 1000 kills'), 120_000, kit.output);
  const started = descendants(kit.child.pid!);

  kit.child.kill('SIGINT');
  await until(() => kit.output().includes('again to stop at once'), 30_000, kit.output);
  // Two signals within half a second are one Ctrl-C that npm passed on.
  const first = performance.now();
  await until(() => performance.now() - first > 700);
  kit.child.kill('SIGINT');

  expect(await kit.ended).toBe(130);
  expect(started.length).toBeGreaterThan(5);
  await until(
    () => !started.some(isAlive),
    30_000,
    () => `alive: ${started.filter(isAlive).join(' ')}`,
  );
  expect(kit.leftovers()).toEqual([]);
});
