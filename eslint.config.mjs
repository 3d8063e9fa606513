import { builtinModules } from 'node:module';
import tseslint from 'typescript-eslint';

// Each folder's role is its import rule. Exact `paths` for Node's builtins, not glob patterns: one of them is called
// `domain`, and the glob would also ban our domain/.
const builtins = builtinModules.flatMap((name) => [name, `node:${name}`]);
const only = (message, ...group) => ({ group, message });
const types = (message, ...group) => ({ group, message, allowTypeImports: true });
const imports = (...patterns) => ({ '@typescript-eslint/no-restricted-imports': ['error', { patterns }] });
const pureImports = (...patterns) => ({
  '@typescript-eslint/no-restricted-imports': [
    'error',
    { patterns, paths: builtins.map((name) => ({ name, message: 'No Node builtins here.' })) },
  ],
});
const folder = (...names) =>
  names.flatMap((name) => [`../${name}`, `../${name}/**`, `../../${name}`, `../../${name}/**`]);
const UNSHIPPED = folder('scripts', 'test', 'bench', 'prove');

const impure = [
  ["CallExpression[callee.object.name='Date'][callee.property.name='now']", 'Take the time as an argument.'],
  ["NewExpression[callee.name='Date'][arguments.length=0]", 'Take the time as an argument.'],
  ["MemberExpression[object.name='Math'][property.name='random']", 'Take randomness as an argument.'],
].map(([selector, message]) => ({ selector, message }));

export default tseslint.config(
  { ignores: ['dist*/**', 'node_modules/**', '.everturn/**', '**/*.cjs', '**/*.mjs', '**/*.js'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Read config.ts instead.' },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // `() => server.close()` and `(error) => reject(error)` read better without a block.
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidOperator: true },
      ],
      'max-lines': ['warn', { max: 300, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['warn', { max: 60, skipBlankLines: true, skipComments: true }],
      'max-params': ['error', 4],
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true } }],
    },
  },
  { files: ['config.ts'], rules: { 'no-restricted-properties': 'off' } },
  {
    files: ['domain/**'],
    rules: {
      ...pureImports(
        only(
          'domain/ is pure: zod, diff and its own files only.',
          '../*',
          '../**',
          '@temporalio/*',
          'pg',
          'express',
          'openai',
        ),
      ),
      'no-restricted-syntax': ['error', ...impure],
    },
  },
  {
    files: ['workflows/**'],
    rules: pureImports(
      only(
        'workflows/ may do no I/O.',
        ...['pg', 'express', 'openai', '@temporalio/activity', '@temporalio/client', '@temporalio/worker'],
        ...folder('db', 'llm', 'tools', 'api', 'worker', 'runtime', 'config', 'log'),
        ...UNSHIPPED,
      ),
      types('workflows/ may import activities only as types.', ...folder('activities')),
    ),
  },
  {
    files: ['activities/**'],
    rules: imports(
      only(
        'activities/ gets I/O injected through deps.ts.',
        ...['express', 'pg', 'openai', '@temporalio/worker', '@temporalio/client'],
        ...folder('api', 'worker', 'workflows', 'runtime', 'config'),
        ...UNSHIPPED,
      ),
      types('activities/ knows ports only as types.', ...folder('db', 'llm', 'tools')),
    ),
  },
  {
    files: ['api/**'],
    rules: imports(
      only(
        'api/ never runs a turn itself.',
        ...['openai', 'pg', '@temporalio/worker', '@temporalio/activity'],
        ...folder('activities', 'llm', 'tools', 'worker', 'runtime'),
        ...UNSHIPPED,
      ),
      types('api/ knows workflows as types only.', ...folder('workflows')),
    ),
  },
  { files: ['db/**'], rules: imports(adapterOf('db', ['llm', 'tools'])) },
  { files: ['llm/**'], rules: imports(adapterOf('llm', ['db', 'tools'], 'pg')) },
  { files: ['tools/**'], rules: imports(adapterOf('tools', ['db', 'llm'], 'pg', 'openai')) },
  {
    files: ['worker/**', 'runtime/**'],
    rules: imports(
      only('Only db/ talks to Postgres, and nothing that ships needs tests or scripts.', 'pg', ...UNSHIPPED),
    ),
  },
  {
    files: ['test/**', 'bench/**', 'scripts/**', 'examples/**'],
    rules: {
      'no-restricted-properties': 'off',
      'max-lines-per-function': 'off',
      'max-lines': 'off',
      // Tests read answers as a client would, without types.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  { files: ['test/support/global-*.ts'], rules: { 'no-restricted-exports': 'off' } },
);

function adapterOf(name, siblings, ...drivers) {
  return only(
    `${name}/ depends on domain/ and its own driver only.`,
    ...['express', '@temporalio/*', ...drivers],
    ...folder(...siblings, 'api', 'worker', 'workflows', 'activities', 'runtime', 'config'),
    ...UNSHIPPED,
  );
}
