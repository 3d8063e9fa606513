const Sequencer = require('@jest/test-sequencer').default;

// The slowest files, slowest first. Jest knows durations only where it has run before, and a slow file that begins last
// keeps the machine waiting for it.
const SLOW = [
  'e2e/prove',
  'e2e/inbox',
  'e2e/crash-whole-tree',
  'e2e/crash-memory',
  'e2e/multi-agent',
  'e2e/mcp',
  'e2e/start',
  'e2e/approvals',
  'e2e/poisoned-turns',
  'e2e/letta-code',
  'e2e/background-responses',
  'e2e/rolling-restart',
  'e2e/shared-block',
  'integration/mcp/stdio',
  'e2e/retried-requests',
  'e2e/crash-every-tool-server',
  'e2e/crash-every-tool',
  'e2e/many-tool-calls',
  'e2e/doctor-runs',
  'e2e/crash-split-processes',
  'e2e/prompt-prefix',
  'e2e/python-tools',
  'e2e/typescript-tools',
  'e2e/pgvector',
].map((name) => `/test/${name}.test.ts`);

/** Jest's order (what failed, then what took long, then what is large) behind the slowest files. */
module.exports = class SlowFirst extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    const slow = SLOW.flatMap((file) => sorted.filter(({ path }) => path.endsWith(file)));
    return [...slow, ...sorted.filter((test) => !slow.includes(test))];
  }
};
