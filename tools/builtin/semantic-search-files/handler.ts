import type { AgentFiles } from '../../../domain/ports';
import { toolError } from '../../../domain/tool-failure';
import { integerArgument, textArgument, type ReadHandler } from '../../handler';

const LIMIT = { fallback: 5, min: 1, max: 50 };

/** Searches the files of the agent's folders. */
export const createSemanticSearchFiles =
  (files: AgentFiles): ReadHandler =>
  async (args, { agentId }) => {
    const query = textArgument(args, 'query').trim();
    if (query === '') throw toolError('ValueError', `argument 'query' is empty`);
    const passages = await files.search(agentId, query, integerArgument(args, 'limit', LIMIT));
    if (passages.length === 0) return 'No results found.';
    return passages
      .map(
        ({ filePath, firstLine, lastLine, text }) => `[${filePath}, lines ${firstLine}-${lastLine}]\n${text}`,
      )
      .join('\n\n');
  };
