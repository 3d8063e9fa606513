import fs from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(__dirname, '..', '..');
const read = (file: string) => fs.readFileSync(path.join(ROOT, file), 'utf8');
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  ...fs
    .readdirSync(path.join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => path.join('docs', file)),
];

it.each(['hello-world.ts', 'hello_world.py'])('the README shows examples/%s as it is', (file) => {
  expect(read('README.md')).toContain(`\n${read(path.join('examples', file))}\`\`\``);
});

it.each(documents)('%s names only files that exist', (document) => {
  const text = read(document);
  const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)].map(([, target = '']) =>
    path.join(path.dirname(document), target),
  );
  const sources = [...text.matchAll(/`((?:\w[\w-]*\/)+[\w.-]+\.(?:ts|mjs|sql|md|tsv|py))`/g)].map(
    ([, file = '']) => file,
  );

  expect([...links, ...sources].filter((file) => !fs.existsSync(path.join(ROOT, file)))).toEqual([]);
});

it('every npm script that the documents name exists', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const named = documents.flatMap((document) =>
    [...read(document).matchAll(/npm run ([\w:]+)/g)].map(([, name = '']) => name),
  );

  expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
});
