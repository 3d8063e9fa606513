import type { Searches } from '../../domain/search';
import type { SearchDeps } from './hybrid-search';
import { createFileSearch } from './search-files';
import { createMessageSearch } from './search-messages';
import { createPassageSearch } from './search-passages';
import { createToolSearch } from '../search-tools';

/** All searches, over one index of vectors. */
export const createSearches = (deps: SearchDeps): Searches => ({
  passages: createPassageSearch(deps),
  messages: createMessageSearch(deps),
  tools: createToolSearch(deps),
  files: createFileSearch(deps),
});
