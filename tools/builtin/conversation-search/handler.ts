import type { Recall, RecallHit, RecallQuery } from '../../../domain/ports';
import type { SearchMode } from '../../../domain/search';
import { toPythonRepr } from '../../../domain/python-repr';
import type { ToolArguments } from '../../../domain/tool-arguments';
import { toolError } from '../../../domain/tool-failure';
import { END_OF_DAY_MS, readDate } from '../../date-argument';
import { integerArgument, optionalText, optionalTexts, type ReadHandler } from '../../handler';

const LIMIT = { fallback: 5, min: 1, max: 100 };

export interface ConversationSearchDeps {
  readonly recall: Recall;
  readonly now: () => Date;
}

/** Searches the agent's stored messages and answers in the form Letta gives it: a Python dict, shown as text. */
export function createConversationSearch({ recall, now }: ConversationSearchDeps): ReadHandler {
  return async (args, { agentId }) => {
    const { hits, mode } = await recall.search(toQuery(agentId, args));
    if (hits.length === 0) return 'No results found.';
    const results = hits.map((hit) => toResult(hit, mode, now()));
    return toPythonRepr({ message: `Showing ${hits.length} results:`, results });
  };
}

function toQuery(agentId: string, args: ToolArguments): RecallQuery {
  const from = readDate(args, 'start_date', 0);
  const to = readDate(args, 'end_date', END_OF_DAY_MS);
  if (from && to && from > to)
    throw toolError('ValueError', 'start_date is later than end_date. Swap them or drop one.');
  return {
    agentId,
    text: optionalText(args, 'query'),
    roles: readRoles(args),
    limit: integerArgument(args, 'limit', LIMIT),
    from,
    to,
  };
}

const ROLES = ['assistant', 'user', 'tool'] as const;

function readRoles(args: ToolArguments): RecallQuery['roles'] {
  const asked = optionalTexts(args, 'roles') ?? ['assistant', 'user'];
  return ROLES.filter((role) => asked.includes(role));
}

const toResult = (hit: RecallHit, mode: SearchMode, now: Date) => ({
  timestamp: hit.createdAt.toISOString().replace(/(\d{3})Z$/, '$1000+00:00'),
  time_ago: timeAgo(now.getTime() - hit.createdAt.getTime()),
  role: hit.role,
  relevance: toRelevance(hit, mode),
  content: hit.text,
});

/** Letta calls a search by words alone `sql`. */
const toRelevance = ({ score, textRank, vectorRank }: RecallHit, mode: SearchMode) =>
  mode === 'text'
    ? { search_mode: 'sql' }
    : { rrf_score: score, vector_rank: vectorRank, fts_rank: textRank, search_mode: mode };

function timeAgo(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h ago`;
  return `${Math.floor(seconds / 86_400)}d ago`;
}
