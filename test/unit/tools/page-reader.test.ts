import type { ThreadLimits } from '../../../tools/limited-threads';
import { createPageReader } from '../../../tools/web/page-reader';
import { compileThreads } from '../../support/compiled-threads';

const threads = compileThreads({ busy: 'for (;;);', silent: '' });
afterAll(() => threads.close());

const url = 'https://tea.example/';
const read = (
  html: string,
  { entry = 'read-page-thread', ...options }: Partial<ThreadLimits> = {},
  signal?: AbortSignal,
) =>
  createPageReader({ entry: threads.entry(entry), ...options })(
    { html, url },
    signal ?? new AbortController().signal,
  );

it('reads a page in a thread', async () => {
  await expect(read('<html><head><title>Tea</title></head><body><p>Hot</p></body></html>')).resolves.toEqual({
    title: 'Tea',
    markdown: 'Hot',
  });
});

it('answers for a page that breaks the parser, and goes on answering timers meanwhile', async () => {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 10);
  const nested = `<html><body>${'<div>'.repeat(20_000)}tea`;

  await expect(read(nested, { timeoutMs: 700 })).rejects.toThrow(
    /could not be turned into text: it(s HTML| is too complex)/,
  );

  clearInterval(timer);
  expect(ticks).toBeGreaterThan(10);
});

it('stops a page that takes too long', async () => {
  await expect(read('', { entry: 'busy', timeoutMs: 200 })).rejects.toThrow(
    'https://tea.example/ could not be turned into text: it is too complex.',
  );
});

it('answers when a thread ends without a word or cannot start', async () => {
  await expect(read('', { entry: 'silent' })).rejects.toThrow(/its HTML cannot be processed/);
  await expect(read('', { entry: 'missing' })).rejects.toThrow(/its HTML cannot be processed/);
});

it('stops at once when the call is cancelled', async () => {
  const abort = new AbortController();
  const reading = read('', { entry: 'busy' }, abort.signal);
  abort.abort(new Error('enough'));

  await expect(reading).rejects.toThrow('enough');
});

it('runs a limited number of threads at a time and serves the others in order', async () => {
  const reader = createPageReader({ entry: threads.entry('read-page-thread'), maxThreads: 1 });
  const order: string[] = [];
  const one = (name: string) =>
    reader({ html: `<p>${name}</p>`, url }, new AbortController().signal).then(({ markdown }) =>
      order.push(markdown),
    );

  await Promise.all(['a', 'b', 'c'].map(one));

  expect(order).toEqual(['a', 'b', 'c']);
});
