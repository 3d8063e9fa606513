import type { Hit } from '../../../prove/boundaries';
import { startCoordinator, type Coordinator } from '../../../prove/coordinator';

let coordinator: Coordinator;
beforeEach(async () => {
  coordinator = await startCoordinator();
});
afterEach(() => coordinator.close());

const claimed = { name: 'tool-claimed', effects: 'once' } as const;
const hit = (facts: Partial<Hit> = {}): Hit => ({
  boundary: 'tool-claimed',
  runId: 'run-1',
  step: 0,
  effects: 'once',
  key: 'run-1/0/c0',
  ...facts,
});
const report = async (lane: number, facts: Partial<Hit> = {}): Promise<string> => {
  const body = JSON.stringify({ ...hit(facts), lane });
  const response = await fetch(`${coordinator.url}/failpoint`, { method: 'POST', body });
  return response.text();
};

it('a process goes on at once where nobody waits for it', async () => {
  expect(await report(0)).toBe('go on');
});

it('the first process that comes to the boundary is held until it may go on, and the next one is not', async () => {
  const next = coordinator.nextAt(claimed, 1, 5_000);
  const elsewhere = await Promise.all([
    report(0),
    report(1, { effects: 'read' }),
    report(1, { boundary: 'tool-effect-done' }),
  ]);
  let hasGone = false;
  const held = report(1).then((text) => {
    hasGone = true;
    return text;
  });

  const waiting = await next;
  const second = await report(1);

  expect(elsewhere).toEqual(['go on', 'go on', 'go on']);
  expect(waiting).toMatchObject({ hit: hit(), lane: 1 });
  expect(second).toBe('go on');
  expect(hasGone).toBe(false);
  waiting!.goOn();
  expect(await held).toBe('go on');
});

it('a wait that was given up holds nobody', async () => {
  expect(await coordinator.nextAt(claimed, null, 5)).toBeNull();
  expect(await report(0)).toBe('go on');
});

it('every effect is counted, also one that comes twice', async () => {
  const effect = { tool: 'prove_charge', label: 'x', key: 'k' };
  for (let times = 0; times < 2; times++) {
    await fetch(`${coordinator.url}/effect`, { method: 'POST', body: JSON.stringify(effect) });
  }

  expect(coordinator.effects).toEqual([effect, effect]);
});
