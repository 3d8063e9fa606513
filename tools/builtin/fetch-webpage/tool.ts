import type { BuiltinTool } from '../../../domain/tool';

export const fetchWebpageTool: BuiltinTool = {
  name: 'fetch_webpage',
  toolType: 'letta_builtin',
  description:
    'Reads one public web page and returns its main text as Markdown, with its title and address. Plain text, JSON, XML ' +
    'and Markdown files are returned as they are. Give the full address, starting with http:// or https://. Addresses ' +
    'inside private networks, binary files and pages over 5 MB are refused.',
  parameters: {
    type: 'object',
    properties: {
      url: { type: 'string', description: 'Full address of the page, for example https://example.com/a.' },
    },
    required: ['url'],
  },
  effects: 'read',
  enableParallelExecution: true,
};
