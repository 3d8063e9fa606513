import path from 'node:path';
import { readFlags } from '../../../prove/flags';

it('without a flag about a hundred kills are planned, with the ledger and without a limit of time', () => {
  expect(readFlags([])).toEqual({
    kills: 110,
    seed: 1,
    minutes: null,
    toolsFile: null,
    out: path.resolve('prove-report'),
    only: null,
    isLedgerOff: false,
    isHelp: false,
  });
});

it('every flag is read', () => {
  const flags = readFlags(
    '--kills 5 --seed 9 --minutes 0.5 --tools t.js --out o --only tool-claimed --without-ledger --help'.split(
      ' ',
    ),
  );

  expect(flags).toEqual({
    kills: 5,
    seed: 9,
    minutes: 0.5,
    toolsFile: path.resolve('t.js'),
    out: path.resolve('o'),
    only: 'tool-claimed',
    isLedgerOff: true,
    isHelp: true,
  });
});

it.each([
  [['--kills', '0'], '--kills 0: write a whole number from 1 on.'],
  [['--kills', '2.5'], '--kills 2.5: write a whole number from 1 on.'],
  [['--seed', 'x'], '--seed x: write a whole number from 0 on.'],
  [['--minutes=-1'], '--minutes -1: write a number from 0 on.'],
  [['--only', 'lunch'], '--only lunch: there is no such boundary; write one of model-before-claim,'],
  [['--killz', '3'], "Unknown option '--killz'"],
])('%j is refused with the way out', (args, message) => {
  expect(() => readFlags(args)).toThrow(message);
});
