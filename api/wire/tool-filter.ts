import { z } from 'zod';
import { pageFields } from './page';
import { queryFlag, queryList, queryText } from './query';

// The original takes these both repeated and comma-separated.
const commaList = () => queryList().transform((items) => items?.flatMap((item) => item.split(',')));

const filterFields = {
  name: queryText(),
  names: queryList(),
  tool_ids: commaList(),
  search: queryText(),
  tool_types: commaList(),
  exclude_tool_types: commaList(),
  return_only_letta_tools: queryFlag(),
  exclude_letta_tools: queryFlag(),
};
export const ToolFilterQuery = z.object(filterFields);
export const ListToolsQuery = z.object({ ...filterFields, ...pageFields({ limit: 50, order: 'desc' }) });
export const ListToolsOfAgentQuery = z.object(pageFields({ limit: 10, order: 'desc' }));

/** The filter of a list or count of tools, in the terms of `db/tools.ts`. */
export const fromWireToolFilter = (query: z.output<typeof ToolFilterQuery>) => ({
  name: query.name,
  names: query.names,
  ids: query.tool_ids,
  search: query.search,
  types: query.tool_types,
  excludedTypes: query.exclude_tool_types,
  onlyLetta: query.return_only_letta_tools,
  withoutLetta: query.exclude_letta_tools,
});
