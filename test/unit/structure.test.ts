import fs from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(__dirname, '..', '..');
const ROLES = [
  'domain',
  'workflows',
  'activities',
  'llm',
  'tools',
  'db',
  'api',
  'worker',
  'runtime',
  'scripts',
  'bench',
  'prove',
];
const BANNED = /(^|[-.])(manager|helpers?|utils?|misc|common|base|v2|new|legacy)([-.]|$)/;
// `new-id.ts` mints an id: the word is a verb's object there, not an age.
const ALLOWED = ['new-id.ts'];

const below = (folder: string): string[] =>
  fs.existsSync(path.join(ROOT, folder))
    ? fs
        .readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
        .map((file) => path.join(folder, file))
        .filter((file) => /\.(ts|mjs|sql)$/.test(file))
    : [];
const rootFiles = fs.readdirSync(ROOT).filter((file) => file.endsWith('.ts'));
const sources = [...rootFiles, ...ROLES.flatMap(below)];

/** The project's own files that `file` needs at run time; type imports vanish and can't close a cycle. */
function importsOf(file: string): string[] {
  const source = fs.readFileSync(path.join(ROOT, file), 'utf8');
  const statements = source.matchAll(/^(?:import|export)\s+(?!type\b)([^;]*?)\s*from '(\.[^']+)'/gm);
  return [...statements].flatMap(([, names = '', specifier = '']) => {
    const isTypesOnly =
      /^\{[^}]*\}$/.test(names) &&
      names
        .slice(1, -1)
        .split(',')
        .every((name) => /^\s*(type\s|$)/.test(name));
    const target = path.join(path.dirname(file), specifier);
    return isTypesOnly
      ? []
      : [`${target}.ts`, path.join(target, 'index.ts')].filter((each) => sources.includes(each)).slice(0, 1);
  });
}

function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): string[] | null => {
    if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file];
    if (done.has(file)) return null;
    for (const next of graph.get(file) ?? []) {
      const cycle = visit(next, [...trail, file]);
      if (cycle) return cycle;
    }
    done.add(file);
    return null;
  };
  for (const file of graph.keys()) {
    const cycle = visit(file, []);
    if (cycle) return cycle;
  }
  return null;
}

it('no file imports itself by way of others', () => {
  const graph = new Map(
    sources.filter((file) => file.endsWith('.ts')).map((file) => [file, importsOf(file)] as const),
  );

  expect([...graph.values()].flat().length).toBeGreaterThan(20);
  expect(findCycle(graph)).toBeNull();
});

it('no file name says nothing', () => {
  expect(sources.filter((file) => BANNED.test(path.basename(file)) && !ALLOWED.includes(file))).toEqual([]);
});

it('only config.ts reads the environment', () => {
  // Scripts and benchmarks start servers, which inherit theirs.
  const product = sources.filter((file) => !/^(scripts|bench)\//.test(file));
  const readers = product.filter((file) =>
    /process\.env\b/.test(fs.readFileSync(path.join(ROOT, file), 'utf8')),
  );

  expect(readers).toEqual(['config.ts']);
});

it('every migration is numbered without a gap', () => {
  const migrations = below('db/migrations')
    .filter((file) => file.endsWith('.sql'))
    .sort();
  const expected = migrations.map((_, index) => String(index + 1).padStart(4, '0'));

  expect(migrations.map((file) => path.basename(file).slice(0, 4))).toEqual(expected);
});
