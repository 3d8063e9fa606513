// Lets `node -r` run our TypeScript from source, with the same compiler settings as the tests: no stale dist/ in between.
const fs = require('node:fs');
const path = require('node:path');
const { transformSync } = require('@swc/core');

const root = path.resolve(__dirname, '..', '..');
const settings = JSON.parse(fs.readFileSync(path.join(root, '.swcrc'), 'utf8'));

require.extensions['.ts'] = (module, filename) => {
  // A real import(), because node-pg-migrate is an ES module.
  const options = {
    ...settings,
    module: { ...settings.module, ignoreDynamic: true },
    sourceMaps: 'inline',
    swcrc: false,
  };
  module._compile(transformSync(fs.readFileSync(filename, 'utf8'), { ...options, filename }).code, filename);
};
