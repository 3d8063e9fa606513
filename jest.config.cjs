// Tiers by folder: unit and replay need nothing, the others share one embedded Postgres and one Temporal server that a
// run starts once and takes down again.
const transform = {
  '^.+\\.(ts|mjs|js)$': ['@swc/jest', { ...readSettings(), swcrc: false }],
};
// These are ES modules; jest runs CommonJS.
const esModules = [
  'node-pg-migrate',
  'glob',
  'minimatch',
  'brace-expansion',
  'balanced-match',
  'path-scurry',
  'minipass',
  'lru-cache',
  'jiti',
];

function readSettings() {
  return JSON.parse(require('node:fs').readFileSync(require('node:path').join(__dirname, '.swcrc'), 'utf8'));
}

function tier(name, extra = {}) {
  return {
    displayName: name,
    rootDir: __dirname,
    testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
    modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/.everturn'],
    testEnvironment: 'node',
    transform,
    transformIgnorePatterns: [`/node_modules/(?!(${esModules.join('|')})/)`],
    restoreMocks: true,
    ...extra,
  };
}

const services = {
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
};

module.exports = {
  // Most tests wait for processes more than they compute: four at a time keep two cores busy.
  maxWorkers: 4,
  // A deadline for what hangs, not a measure: processes of four files share the machine.
  testTimeout: 300_000,
  testSequencer: '<rootDir>/test/support/slow-first.cjs',
  // A test that fails half-way may leave a server open: the run ends all the same, and says so.
  forceExit: true,
  projects: [
    tier('unit'),
    tier('replay'),
    tier('integration', services),
    tier('contract', services),
    tier('e2e', services),
  ],
};
