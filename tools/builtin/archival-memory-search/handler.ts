import type { ArchivalRecall } from '../../../domain/ports';
import { toPythonRepr } from '../../../domain/python-repr';
import { toolError } from '../../../domain/tool-failure';
import { toZonedTimestamp } from '../../../domain/zoned-timestamp';
import { END_OF_DAY_MS, readDate } from '../../date-argument';
import { integerArgument, optionalTexts, textArgument, type ReadHandler } from '../../handler';

const LIMIT = { fallback: 5, min: 1, max: 100 };

/** Searches the agent's archive and answers in the form Letta gives it: a Python list of dicts, shown as text. */
export const createArchivalMemorySearch =
  (archive: ArchivalRecall): ReadHandler =>
  async (args, { agentId }) => {
    const [from, to] = [readDate(args, 'start_datetime', 0), readDate(args, 'end_datetime', END_OF_DAY_MS)];
    if (from && to && from > to)
      throw toolError('ValueError', 'start_datetime is later than end_datetime. Swap them or drop one.');
    const { hits, timezone } = await archive.search(agentId, {
      text: textArgument(args, 'query'),
      tags: optionalTexts(args, 'tags') ?? [],
      tagMatch: args['tag_match_mode'] === 'all' ? 'all' : 'any',
      from,
      to,
      limit: integerArgument(args, 'top_k', LIMIT),
    });
    return toPythonRepr(
      hits.map(({ passage }) => ({
        id: passage.id,
        timestamp: toZonedTimestamp(passage.createdAt, timezone),
        content: passage.text,
        tags: passage.tags,
      })),
    );
  };
