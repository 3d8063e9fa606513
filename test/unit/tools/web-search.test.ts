import { createWebSearch } from '../../../tools/builtin/web-search/handler';
import { buildCallContext } from '../../support/build-tool';
import { startFakeExa, type FakeExa } from '../../support/fake-exa';

let exa: FakeExa;
beforeEach(async () => {
  exa = await startFakeExa();
});
afterEach(() => exa.close());

const search = (
  args: Record<string, unknown>,
  {
    serverKey = 'exa-good',
    secrets = {},
    signal = new AbortController().signal,
    timeoutMs = 5000,
  }: {
    readonly serverKey?: string | null;
    readonly secrets?: Readonly<Record<string, string>>;
    readonly signal?: AbortSignal;
    readonly timeoutMs?: number;
  } = {},
) =>
  createWebSearch({ exaApiKey: serverKey, exaBaseUrl: exa.baseUrl, timeoutMs })(
    args,
    buildCallContext({ secrets, signal }),
  );

it('answers with the query and the fields of each result', async () => {
  exa.answer(200, {
    requestId: 'r',
    results: [
      {
        id: '1',
        title: 'Tea',
        url: 'https://tea.example/',
        publishedDate: '2026-01-01',
        author: 'A',
        score: 0.1,
        text: 'all',
        highlights: ['hot'],
        summary: 'short',
      },
      { url: 'https://other.example/' },
    ],
  });

  expect(JSON.parse(await search({ query: 'tea', include_text: true }))).toEqual({
    query: 'tea',
    results: [
      {
        title: 'Tea',
        url: 'https://tea.example/',
        published_date: '2026-01-01',
        author: 'A',
        text: 'all',
        highlights: ['hot'],
        summary: 'short',
      },
      {
        title: null,
        url: 'https://other.example/',
        published_date: null,
        author: null,
        highlights: [],
        summary: null,
      },
    ],
  });
});

it('asks Exa with every filter that was given and no other', async () => {
  await search({
    query: 'tea',
    num_results: 3,
    category: 'news',
    include_domains: ['a.example'],
    exclude_domains: ['b.example'],
    start_published_date: '2026-01-01',
    end_published_date: '2026-02-01',
    user_location: 'DE',
  });
  await search({ query: 'milk' });

  const contents = (query: string) => ({ text: false, highlights: { query }, summary: { query } });
  expect(exa.requests[0]).toEqual({
    path: 'POST /search',
    apiKey: 'exa-good',
    body: {
      query: 'tea',
      type: 'auto',
      numResults: 3,
      category: 'news',
      includeDomains: ['a.example'],
      excludeDomains: ['b.example'],
      startPublishedDate: '2026-01-01',
      endPublishedDate: '2026-02-01',
      userLocation: 'DE',
      contents: contents('tea'),
    },
  });
  expect(exa.requests[1]?.body).toEqual({
    query: 'milk',
    type: 'auto',
    numResults: 10,
    contents: contents('milk'),
  });
});

it('takes the key of the agent before that of the server', async () => {
  await search({ query: 'tea' }, { serverKey: 'exa-server', secrets: { EXA_API_KEY: 'exa-good' } });
  await search({ query: 'tea' }, { serverKey: 'exa-good', secrets: { EXA_API_KEY: ' ' } });

  expect(exa.requests.map(({ apiKey }) => apiKey)).toEqual(['exa-good', 'exa-good']);
});

it('says how to configure a key when there is none', async () => {
  await expect(search({ query: 'tea' }, { serverKey: null })).rejects.toThrow(
    /needs an Exa API key .* secret EXA_API_KEY on this agent/,
  );
  expect(exa.requests).toEqual([]);
});

it.each([
  [429, { error: 'slow down' }, /HTTP status 429. Too many searches at once.* It says: slow down/],
  [503, 'gateway', /HTTP status 503. The service has a problem/],
  [400, { message: 'bad date' }, /HTTP status 400.\s+It says: bad date/],
  [200, 'not json', /something that is no search result/],
  [200, { results: 'x' }, /something that is no search result/],
])('tells the model about an answer with status %i and %p', async (status, body, expected) => {
  exa.answer(status, body);

  await expect(search({ query: 'tea' })).rejects.toThrow(expected);
});

it('never repeats the key: not for a refused one, not for one that is no header value', async () => {
  const errors = await Promise.all(
    ['exa-wrong', 'exa-wr\u0000ong', 'exa-wrong\nx'].map((serverKey) =>
      search({ query: 'tea' }, { serverKey }).then(String, (error: unknown) => (error as Error).message),
    ),
  );

  expect(errors[0]).toMatch(/HTTP status 401. The API key was not accepted/);
  expect(errors.join()).not.toMatch(/wrong/);
});

it('follows no redirect, which would carry the key to another server', async () => {
  exa.answer(302, '', { location: `${exa.baseUrl}/elsewhere` });

  await expect(search({ query: 'tea' })).rejects.toThrow(/could not be reached/);
  expect(exa.requests).toHaveLength(1);
});

it('gives up after its time and when the call is cancelled', async () => {
  exa.answer(200, null);
  const abort = new AbortController();

  await expect(search({ query: 'tea' }, { timeoutMs: 100 })).rejects.toThrow(/did not answer in time/);
  const cancelled = search({ query: 'tea' }, { signal: abort.signal });
  abort.abort();
  await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' });
});

it('says when the service is away', async () => {
  await exa.close();

  await expect(search({ query: 'tea' })).rejects.toThrow(
    /Exa could not be reached \(the server refuses connections\)/,
  );
});

it.each([0, 101])('refuses num_results %i', async (num_results) => {
  await expect(search({ query: 'x', num_results })).rejects.toThrow(/from 1 to 100/);
});
