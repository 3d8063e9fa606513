import type { BuiltinTool } from '../../../domain/tool';

const CATEGORIES = [
  'company',
  'research paper',
  'news',
  'pdf',
  'github',
  'tweet',
  'personal site',
  'linkedin profile',
  'financial report',
] as const;

export const webSearchTool: BuiltinTool = {
  name: 'web_search',
  toolType: 'letta_builtin',
  description:
    'Searches the web with Exa and returns JSON: for each hit its title, address, author, date, a summary and the most ' +
    'relevant passages. Ask a full question or describe the page you hope to find. Narrow the search by category, by ' +
    'domain or by publication date. Use fetch_webpage to read a hit in full. Needs an Exa API key on the agent or on ' +
    'the server; without one it answers with an error.',
  parameters: {
    type: 'object',
    properties: {
      query: { type: 'string', description: 'What to look for.' },
      num_results: { type: 'integer', description: 'How many results to return, 1 to 100. Defaults to 10.' },
      category: {
        type: 'string',
        enum: CATEGORIES,
        description: 'Only results of this kind. Defaults to all kinds.',
      },
      include_text: {
        type: 'boolean',
        description: 'Whether to add the full text of every page. Defaults to false: full texts are long.',
      },
      include_domains: {
        type: 'array',
        items: { type: 'string' },
        description: 'Only results from these domains, for example ["arxiv.org"].',
      },
      exclude_domains: {
        type: 'array',
        items: { type: 'string' },
        description: 'No results from these domains.',
      },
      start_published_date: { type: 'string', description: 'Only pages published after this ISO date.' },
      end_published_date: { type: 'string', description: 'Only pages published before this ISO date.' },
      user_location: {
        type: 'string',
        description: 'Two-letter country code for local results, for example "DE".',
      },
    },
    required: ['query'],
  },
  effects: 'read',
  enableParallelExecution: true,
};
