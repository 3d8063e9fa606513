import type { RecallHit, RecallQuery } from '../../../domain/ports';
import type { SearchMode } from '../../../domain/search';
import { createConversationSearch } from '../../../tools/builtin/conversation-search/handler';
import { buildCallContext } from '../../support/build-tool';

const now = new Date('2026-11-24T01:53:15.200Z');

async function search(
  args: Record<string, unknown>,
  hits: readonly RecallHit[] = [],
  mode: SearchMode = 'text',
) {
  const queries: RecallQuery[] = [];
  const recall = { search: (query: RecallQuery) => (queries.push(query), Promise.resolve({ hits, mode })) };
  const result = await createConversationSearch({ recall, now: () => now })(args, buildCallContext());
  return { result, query: queries[0] };
}

const hitAt = (createdAt: string, text: string): RecallHit => ({
  messageId: 'message-1',
  role: 'user',
  text,
  createdAt: new Date(createdAt),
  score: 1 / 61 + 1 / 62,
  textRank: 1,
  vectorRank: 2,
});

it('answers with the dict that Letta’s clients know', async () => {
  const hits = [
    hitAt('2026-11-24T01:53:14.966Z', 'CALL archival_memory_search {"query":"grass"}'),
    hitAt('2026-11-24T01:53:14.180Z', "it's grass"),
  ];

  const { result } = await search({ query: 'grass' }, hits);

  expect(result).toBe(
    "{'message': 'Showing 2 results:', 'results': [{'timestamp': '2026-11-24T01:53:14.966000+00:00', 'time_ago': " +
      "'0s ago', 'role': 'user', 'relevance': {'search_mode': 'sql'}, 'content': 'CALL archival_memory_search " +
      "{\"query\":\"grass\"}'}, {'timestamp': '2026-11-24T01:53:14.180000+00:00', 'time_ago': '1s ago', 'role': " +
      "'user', 'relevance': {'search_mode': 'sql'}, 'content': \"it's grass\"}]}",
  );
});

it('says where a hit stands in both rankings when vectors were used', async () => {
  const { result } = await search({ query: 'grass' }, [hitAt('2026-11-24T01:53:14.966Z', 'lawn')], 'hybrid');

  expect(result).toContain(
    "'relevance': {'rrf_score': 0.03252247488101534, 'vector_rank': 2, 'fts_rank': 1, 'search_mode': 'hybrid'}",
  );
});

it.each([
  ['2026-11-24T01:52:15.200Z', '1m ago'],
  ['2026-11-24T00:00:00.000Z', '1h ago'],
  ['2026-11-21T00:00:00.000Z', '3d ago'],
  ['2027-01-01T00:00:00.000Z', '0s ago'],
])('shows the age of a message of %s as %s', async (createdAt, age) => {
  expect((await search({}, [hitAt(createdAt, 'x')])).result).toContain(`'time_ago': '${age}'`);
});

it('says when nothing was found', async () => {
  expect((await search({ query: 'x' })).result).toBe('No results found.');
});

it('asks for five messages of the user and the assistant unless told otherwise', async () => {
  expect((await search({})).query).toEqual({
    agentId: 'agent-1',
    text: null,
    roles: ['assistant', 'user'],
    limit: 5,
    from: null,
    to: null,
  });
  expect((await search({ query: 'q', roles: ['tool'], limit: 7 })).query).toMatchObject({
    text: 'q',
    roles: ['tool'],
    limit: 7,
  });
});

it('reads dates as whole days and times as UTC unless they carry an offset', async () => {
  const days = await search({ start_date: '2026-03-01', end_date: '2026-03-01' });
  const times = await search({ start_date: '2026-03-01T14:30', end_date: '2026-03-01 16:30:00+02:00' });

  expect(days.query).toMatchObject({
    from: new Date('2026-03-01T00:00:00.000Z'),
    to: new Date('2026-03-01T23:59:59.999Z'),
  });
  expect(times.query).toMatchObject({
    from: new Date('2026-03-01T14:30:00Z'),
    to: new Date('2026-03-01T14:30:00Z'),
  });
});

it.each(['yesterday', '2026-13-01', '2026-02-30', '2026-3-1', '2026-03-01T25:00', '2026-03-01T10:00+99:00'])(
  'refuses the date %p and shows how to write one',
  async (start_date) => {
    await expect(search({ start_date })).rejects.toThrow(
      `start_date "${start_date}" is not a date. Write it like 2026-03-01`,
    );
  },
);

it('refuses dates in the wrong order and limits out of range', async () => {
  await expect(search({ start_date: '2026-03-02', end_date: '2026-03-01' })).rejects.toThrow(
    /later than end_date/,
  );
  await expect(search({ limit: 0 })).rejects.toThrow(/'limit' must be a whole number from 1 to 100/);
});
