import { createPageReader } from '../../../tools/web/page-reader';
import { compileThreads } from '../../support/compiled-threads';

// In the thread it runs in for real: the HTML parser's packages are ES modules, which Jest cannot load.
const threads = compileThreads();
afterAll(() => threads.close());
const readPage = createPageReader({ entry: threads.entry('read-page-thread') });
const url = 'https://tea.example/blog/post?x=1';
const read = (html: string) => readPage({ html, url }, new AbortController().signal);
const sentence = 'Green tea is made from leaves that have not withered, and it came from China long ago. ';

it('keeps the article and drops what surrounds it', async () => {
  const { title, markdown } = await read(`<html><head><title>On tea | Blog</title></head><body>
    <nav><a href="/">Home</a><a href="/login">Log in</a></nav>
    <article><h1>On tea</h1><h2>Kinds</h2><p>${sentence.repeat(5)}</p><ul><li>green</li><li>black</li></ul>
      <p>Read <a href="../more">more</a> and <strong>drink</strong>. ${sentence.repeat(5)}</p></article>
    <footer>Cookies everywhere</footer><script>alert("x")</script></body></html>`);

  expect(title).toMatch(/^On tea/);
  expect(markdown).toContain('## Kinds');
  expect(markdown).toMatch(/^- +green$/m);
  expect(markdown).toContain('Read [more](https://tea.example/more) and **drink**.');
  expect(markdown).not.toMatch(/Log in|Cookies|alert/);
});

it('gives the whole page where there is no article', async () => {
  const { title, markdown } = await read(
    '<html><head><title>List</title><style>p{}</style></head><body><h1>Top</h1><a href="/1">One</a> <a href="/2">Two</a></body></html>',
  );

  expect(title).toBe('List');
  expect(markdown).toBe('# Top\n\n[One](https://tea.example/1) [Two](https://tea.example/2)');
});

it('resolves links against the base of the page and drops addresses that are none', async () => {
  const { markdown } = await read(
    '<html><head><base href="/other/"></head><body><a href="a">A</a> <a href="javascript:alert(1)">B</a> ' +
      '<img src="i.png" alt="I"><img src="data:image/png;base64,AAAA" alt="D"></body></html>',
  );

  expect(markdown).toBe('[A](https://tea.example/other/a) B ![I](https://tea.example/other/i.png)');
});

it('writes tables as Markdown tables', async () => {
  const { markdown } = await read(
    '<table><thead><tr><th>Kind</th><th>Minutes</th></tr></thead><tbody><tr><td>green</td><td>2 | 3</td></tr>' +
      '<tr><td>black</td><td><p>4</p><p>5</p></td></tr></tbody></table>',
  );

  expect(markdown).toBe('| Kind | Minutes |\n| --- | --- |\n| green | 2 \\| 3 |\n| black | 4 5 |');
});

it.each([
  ['a fragment', '<p>Hot <b>tea</b></p>', 'Hot **tea**'],
  ['text alone', 'Hot tea', 'Hot tea'],
  ['nothing', '', ''],
  ['an html element without a body', '<html><p>Hot</p>', 'Hot'],
  ['tags that never close', '<div><p>Hot<p>Tea', 'Hot\n\nTea'],
])('reads %s', async (_what, html, expected) => {
  expect((await read(html)).markdown).toBe(expected);
});
