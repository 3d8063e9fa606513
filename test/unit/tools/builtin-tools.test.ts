import { builtinTools } from '../../../tools/registry';

// Recorded from Letta 0.16.7: tool_type, enable_parallel_execution and parameters (`!` is required).
it.each([
  ['memory_insert', 'letta_sleeptime_core', false, 'label:string! new_string:string! insert_line:integer'],
  ['memory_replace', 'letta_sleeptime_core', false, 'label:string! old_string:string! new_string:string!'],
  ['memory_rethink', 'letta_sleeptime_core', false, 'label:string! new_memory:string!'],
  ['core_memory_append', 'letta_memory_core', false, 'label:string! content:string!'],
  [
    'core_memory_replace',
    'letta_memory_core',
    false,
    'label:string! old_content:string! new_content:string!',
  ],
  [
    'conversation_search',
    'letta_core',
    true,
    'query:string roles:array limit:integer start_date:string end_date:string',
  ],
  ['archival_memory_insert', 'letta_core', false, 'content:string! tags:array'],
  [
    'archival_memory_search',
    'letta_core',
    true,
    'query:string! tags:array tag_match_mode:string top_k:integer start_datetime:string end_datetime:string',
  ],
  [
    'web_search',
    'letta_builtin',
    true,
    'query:string! num_results:integer category:string include_text:boolean include_domains:array ' +
      'exclude_domains:array start_published_date:string end_published_date:string user_location:string',
  ],
  ['fetch_webpage', 'letta_builtin', true, 'url:string!'],
  ['run_code', 'letta_builtin', true, 'code:string! language:string!'],
  ['open_files', 'letta_files_core', false, 'file_requests:array! close_all_others:boolean'],
  [
    'grep_files',
    'letta_files_core',
    true,
    'pattern:string! include:string context_lines:integer offset:integer',
  ],
  ['semantic_search_files', 'letta_files_core', true, 'query:string! limit:integer'],
])('%s has the type and the parameters Letta’s clients know', (name, toolType, parallel, parameters) => {
  const tool = builtinTools.find((candidate) => candidate.name === name);

  const { properties, required } = tool?.parameters as {
    properties: Record<string, { type: string }>;
    required: string[];
  };
  const shown = Object.entries(properties).map(
    ([key, { type }]) => `${key}:${type}${required.includes(key) ? '!' : ''}`,
  );
  expect([tool?.toolType, tool?.enableParallelExecution, shown.join(' ')]).toEqual([
    toolType,
    parallel,
    parameters,
  ]);
});

it('holds twenty-one tools with unique names and a description for every parameter', () => {
  expect(new Set(builtinTools.map((tool) => tool.name)).size).toBe(21);
  for (const tool of builtinTools) {
    const { properties } = tool.parameters as { properties: Record<string, { description?: string }> };
    expect(Object.values(properties).every(({ description }) => (description ?? '').length > 10)).toBe(true);
  }
});

it('says in its description that run_code keeps nothing', () => {
  expect(builtinTools.find((tool) => tool.name === 'run_code')?.description).toMatch(/Nothing is kept/);
});
