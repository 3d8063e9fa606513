const swc = require('@swc/core'),
  fs = require('fs');
require.extensions['.ts'] = (m, f) =>
  m._compile(
    swc.transformSync(fs.readFileSync(f, 'utf8'), {
      filename: f,
      jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
      module: { type: 'commonjs' },
    }).code,
    f,
  );
require('./bench.ts');
