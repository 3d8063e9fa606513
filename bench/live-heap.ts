import fs from 'node:fs';
import v8 from 'node:v8';
import vm from 'node:vm';

// Read by the measured server before its own code (see stack.ts): on SIGUSR2 it collects its garbage and writes into
// BENCH_LIVE_HEAP how many bytes are left.

v8.setFlagsFromString('--expose-gc');
const collect = vm.runInNewContext('gc') as () => void;
const file = process.env['BENCH_LIVE_HEAP'] ?? '';

process.on('SIGUSR2', () => {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  fs.writeFileSync(`${file}.new`, String(heapUsed + external));
  fs.renameSync(`${file}.new`, file);
});
