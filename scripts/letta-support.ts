// The hand-kept half of docs/letta-compatibility.md. A test fails when a served route is missing here, when an entry
// names a route that is not served, or when a named test does not exist.

/** What is true of one served route. */
export interface Support {
  /** The test that proves it: its file below test/, and its title as it stands there. */
  readonly file: string;
  readonly title: string;
  /** What does not work as in the original; then the route is partial. */
  readonly limit?: string;
}

const proof =
  (file: string) =>
  (title: string, limit?: string): Support => ({ file, title, ...(limit !== undefined && { limit }) });

const agents = proof('contract/agents.test.ts');
const agentStore = proof('integration/agents.test.ts');
const blocks = proof('contract/blocks.test.ts');
const tools = proof('contract/tools.test.ts');
const sources = proof('contract/source-tools.test.ts');
const models = proof('contract/models.test.ts');
const runs = proof('contract/runs.test.ts');
const lists = proof('contract/message-lists.test.ts');
const sending = proof('e2e/message-routes.test.ts');
const chatting = proof('e2e/chat-completions.test.ts');
const older = proof('contract/older-routes.test.ts');
const conversations = proof('contract/conversations.test.ts');
const groups = proof('contract/groups.test.ts');
const conversing = proof('e2e/conversations.test.ts');
const contexts = proof('contract/context.test.ts');
const compactions = proof('e2e/compaction.test.ts');
const identities = proof('contract/identities.test.ts');
const PREVIEW = proof('e2e/hello-world.test.ts')(
  'a preview shows the request that the same message then makes, and stores and sends nothing',
  'Answers to approval requests can not be previewed.',
);
const folders = proof('contract/folders.test.ts');
const jobs = proof('contract/jobs.test.ts');
const files = proof('contract/agent-files.test.ts');
const batches = proof('contract/batches.test.ts');

const archives = proof('contract/archives.test.ts');
const searching = proof('contract/search.test.ts');
const archivalMemory = proof('e2e/archival-memory.test.ts');

const OLDER_NAMES = older('knows routes of older clients by the names that they have for them');
const NO_TRACE = 'Always `null`: requests to providers are not kept.';
const IDENTITY_FORM = identities('is created, read, changed and deleted in the form of the original');
const IDENTITY_KEY = identities('has a key of its own in its project, and is put under it');
const IDENTITY_PAGES = identities('is found by name, key, type and project, in pages');
const IDENTITY_OF_AGENTS = identities(
  'are attached and detached one by one, again without harm, by the unmodified SDK as well',
);
const IDENTITY_OF_BLOCKS = identities(
  'are found by it, and are no memory of its agents unless they have them',
);
const FOLDER_FORM = folders('is created, read, listed, changed and deleted in the form of the original');
const FOLDER_FILES = folders('is uploaded, read, listed and deleted by the unmodified SDK');
const FOLDER_PASSAGES = folders(
  'is completed when its passages have their vectors, which come after the upload and survive any death',
);
const FOLDER_NUMBERS = folders('all folders are told in numbers, folder by folder where asked for');
const agentFolders = proof('contract/agent-folders.test.ts');
const AGENT_FOLDERS: Support = {
  ...agentFolders('come with the tools to look into them, and the last one takes these along'),
  limit:
    'The system message names the files that were there when it was compiled; what comes and goes later is told in notes.',
};
const AGENT_FOLDERS_SDK = agentFolders(
  'are attached, listed and detached by the unmodified SDK; sources answer with the agent',
);
const AGENT_FILES: Support = {
  ...agentFolders('are listed, opened and closed by the unmodified SDK; too many open close the oldest'),
  limit:
    'Open files are no part of the system message: an agent reads what it opens as the result of `open_files`, and what a client opens in a note.',
};
const UPLOAD_LIMIT =
  'PDF documents and texts of at most 10 MB; a PDF without text, or with a password, and other binary files are refused with 415.';
const SOURCES = folders('sources are folders under their older name');
const JOB_LISTS = jobs('shows runs as jobs, newest first, also the active ones alone');
const JOB_ENDS = jobs('cancels the run behind a job, and deletes one that is over');
const BATCH_FORM = batches('stores a run for each message, and shows the batch as a job');
const BATCH_ENDS = batches('is over when all of its runs are, and failed if none came to an end');
const ARCHIVE_FORM = archives('are created, read, listed, changed and deleted in the form of the original');
const ARCHIVE_METHODS = archivalMemory('serves every archive and passage method of the SDK');
const ARCHIVE_PAGES = archives('are listed in pages, newest first, and by agent');
const SHARED_ARCHIVE = archives(
  'can be shared; an agent has one archive at most, and detaching leaves the passages',
);
const MEMORY_FORM = archives(
  'makes a default archive with the first passage and answers in the form of the original',
);
const PASSAGE_FORM = archives('are stored with their vector in the form of the original, and deleted');
const BY_WORDS =
  'By words and, where there is an embedding model, by vectors; without one by words, whatever `search_mode` asks for.';

const providers = proof('contract/providers.test.ts');
const PROVIDER_FORM = providers(
  'is created, read, changed and deleted in the form of the original, without its keys',
);
const PROVIDER_TYPES_LIMIT =
  'Types that this server has no client for are refused (docs/operations.md); embedding models of such providers are not offered.';
const PROVIDER_CHECK = 'asks the provider for its models with the key, before and after it is stored';

const GROUP_FORM = 'shows a group in the form of the original';
const mcpServers = proof('contract/mcp-servers.test.ts');
const mcpOAuth = proof('contract/mcp-oauth.test.ts');

const MCP_CRUD: Support = {
  ...mcpServers('a server is created, read, listed, changed and deleted by the unmodified SDK'),
  limit: 'Secrets are shown as `[secret]`.',
};
const MCP_TOOLS = mcpServers(
  'the tools of a server are tools like any other, with the effects that their server declares',
);
const MCP_BY_NAME = mcpServers('the routes by name show the same servers in their older form');
const MCP_OAUTH = mcpOAuth(
  'a user grants access on the page of the authorization server, and the tools are there',
);

const SDK = agents('serves the unmodified SDK from creation to deletion');
const ATTACHING = blocks('attaches and detaches with null for 1.0 clients and with the agent for older ones');
const BY_LABEL = blocks("reads and changes an agent's block by its label, also after the label changed");
const BLOCK_FORM = blocks('creates, reads and changes a block in the form of the original');
const TOOL_COUNT = tools('filters and counts tools by everything the SDK offers');
const AGENT_TOOLS = tools('attaches, detaches and lists the tools of an agent');
const LISTED_MODELS = models('lists models and embedding models in the form of the original');
const RUN_PARTS = runs('has steps, usage and metrics as the original shows them');
const RUN_MESSAGES = runs(
  'lists all that its request asked for, oldest first, and answers a blocking caller with its output only',
);
const CONVERSATION_FORM = conversations(
  'creates, reads, lists and changes a conversation in the form of the original',
);
const RECOMPILED = contexts('shows the new text, and stores it unless it is a dry run');
const FEEDBACK = runs('keeps what a person thought of a step');

const STORED_TOOL = tools('stores a tool with a schema in the form of the original, and replaces it by name');

/** Every route of Letta's that is served, by `routeKey`. */
export const SUPPORT: Readonly<Record<string, Support>> = {
  'GET /v1/health': models('answers health without asking anyone'),
  'GET /v1/ready': OLDER_NAMES,
  'GET /v1/models': LISTED_MODELS,
  'GET /v1/models/embedding': LISTED_MODELS,
  'GET /v1/providers': providers('is found by name and type, in pages, by the unmodified SDK as well'),
  'POST /v1/providers': { ...PROVIDER_FORM, limit: PROVIDER_TYPES_LIMIT },
  'GET /v1/providers/{}': PROVIDER_FORM,
  'PATCH /v1/providers/{}': PROVIDER_FORM,
  'DELETE /v1/providers/{}': PROVIDER_FORM,
  'POST /v1/providers/check': providers(PROVIDER_CHECK, PROVIDER_TYPES_LIMIT),
  'POST /v1/providers/{}/check': providers(PROVIDER_CHECK),
  'PATCH /v1/providers/{}/refresh': providers('are read anew on request, for every process'),
  'GET /v1/tags': agentStore('lists the tags of agents and blocks once each, in order and in pages'),

  'POST /v1/agents': agents(
    'creates the agent of the hello world as the original does',
    'Of the base tools those that this server has are attached.',
  ),
  'GET /v1/agents': agents('lists agents without their relations unless a 1.0 client asks for them'),
  'GET /v1/agents/count': agentStore('filters and counts agents'),
  'GET /v1/_internal_agents/count': agents(
    'hidden agents, and those of other agents, are listed and counted on request',
  ),
  'GET /v1/agents/{}': SDK,
  'PATCH /v1/agents/{}': agents('updates the fields it is sent and keeps the others'),
  'DELETE /v1/agents/{}': agents('answers a deletion as the original does, and 404 from then on'),
  'GET /v1/agents/{}/core-memory': older("shows an agent's whole memory"),
  'GET /v1/agents/{}/core-memory/blocks': BY_LABEL,
  'GET /v1/agents/{}/core-memory/blocks/{}': BY_LABEL,
  'PATCH /v1/agents/{}/core-memory/blocks/{}': BY_LABEL,
  'PATCH /v1/agents/{}/core-memory/blocks/attach/{}': ATTACHING,
  'PATCH /v1/agents/{}/core-memory/blocks/detach/{}': ATTACHING,
  'GET /v1/agents/{}/tools': AGENT_TOOLS,
  'PATCH /v1/agents/{}/tools/attach/{}': AGENT_TOOLS,
  'PATCH /v1/agents/{}/tools/detach/{}': AGENT_TOOLS,
  'PATCH /v1/agents/{}/tools/approval/{}': tools(
    'takes an approval setting from the body or the query, and shows it as a rule of the agent',
  ),
  'POST /v1/agents/{}/tools/{}/run': tools(
    'runs a tool of an agent by hand and answers in the form of the original',
  ),
  'GET /v1/agents/{}/messages': lists('is read completely by the unmodified SDK, oldest first'),

  'POST /v1/agents/{}/messages': sending(
    'a message is answered with the reply, why it stopped and what it cost',
  ),
  'POST /v1/agents/{}/messages/stream': sending(
    'the older stream route sends the reply token by token between a ping and the end',
  ),
  'POST /v1/chat/completions': chatting(
    'answers in one piece too, and tells the agent only what is new to it',
  ),
  'POST /v1/agents/{}/messages/preview-raw-payload': PREVIEW,
  'POST /v1/conversations/{}/messages/preview-raw-payload': PREVIEW,
  'PATCH /v1/agents/{}/messages/{}': proof('contract/preview.test.ts')(
    'a message is never changed',
    'Answers 405, as the original does.',
  ),
  'POST /v1/agents/{}/messages/async': sending(
    'an async message answers with its run, which completes by itself',
  ),
  'POST /v1/agents/{}/messages/cancel': sending(
    'cancelling ends the run in progress, and says failed for a run that is over',
  ),

  'POST /v1/conversations': CONVERSATION_FORM,
  'GET /v1/conversations': conversations('finds conversations by agent, text of the summary and page'),
  'GET /v1/conversations/{}': CONVERSATION_FORM,
  'PATCH /v1/conversations/{}': contexts('has its own model, and gives it back when it is taken away'),
  'DELETE /v1/conversations/{}': conversations(
    'deletes a conversation with its messages, but not while a turn of it is under way',
  ),
  'GET /v1/conversations/{}/messages': conversations(
    "lists a conversation's messages newest first, and the agent's own thread under the name default",
  ),
  'POST /v1/conversations/{}/messages': conversing(
    'conversations keep their own transcripts and share the memory of their agent',
  ),
  'POST /v1/conversations/{}/stream': conversing(
    'a stream is picked up by run, by otid, or as the one in progress; without one there is nothing to stream',
  ),
  'POST /v1/conversations/{}/cancel': conversing(
    'a cancel ends what runs in its conversation and nothing else, and says when nothing runs',
  ),

  'PATCH /v1/agents/{}/archives/attach/{}': SHARED_ARCHIVE,
  'PATCH /v1/agents/{}/archives/detach/{}': SHARED_ARCHIVE,
  'GET /v1/agents/{}/archival-memory': archives('is paged in both directions'),
  'POST /v1/agents/{}/archival-memory': MEMORY_FORM,
  'GET /v1/agents/{}/archival-memory/search': archives('narrows a search by tags and time'),
  'DELETE /v1/agents/{}/archival-memory/{}': archives(
    'gives up a passage when asked to, and only one of its own',
  ),

  'POST /v1/archives': ARCHIVE_FORM,
  'GET /v1/archives': ARCHIVE_PAGES,
  'GET /v1/archives/{}': ARCHIVE_FORM,
  'PATCH /v1/archives/{}': ARCHIVE_FORM,
  'DELETE /v1/archives/{}': ARCHIVE_FORM,
  'GET /v1/archives/{}/agents': ARCHIVE_PAGES,
  'POST /v1/archives/{}/passages': PASSAGE_FORM,
  'POST /v1/archives/{}/passages/batch': archives('are stored many at a time, in order, all or none'),
  'DELETE /v1/archives/{}/passages/{}': ARCHIVE_METHODS,
  'POST /v1/passages/search': archives(
    'answers in the form of the original, in one archive, for one agent or in all of them',
  ),
  'POST /v1/messages/search': searching(
    'finds what users and agents said, by its words, and says whose it is',
    BY_WORDS,
  ),
  'POST /v1/agents/messages/search': { ...OLDER_NAMES, limit: BY_WORDS },
  'POST /v1/tools/search': searching(
    'finds tools by the words of their names and descriptions, the best match first',
    BY_WORDS,
  ),

  'POST /v1/agents/{}/summarize': compactions(
    'a client compacts a conversation, and hears when there is nothing to compact or a turn runs',
  ),
  'POST /v1/conversations/{}/compact': compactions(
    "a conversation is compacted by the agent's own model with the settings of the request",
  ),
  'POST /v1/agents/{}/recompile': RECOMPILED,
  'POST /v1/agents/{}/system-prompt/recompile': RECOMPILED,
  'POST /v1/conversations/{}/recompile': contexts(
    'is done for one conversation alone, or for the own thread under the name default',
  ),
  'PATCH /v1/agents/{}/reset-messages': contexts(
    'leaves the system message and answers with the agent in the form of the original',
  ),
  'POST /v1/conversations/{}/fork': contexts(
    'goes back to any message, also to one that a summary stands for by now',
  ),
  'POST /v1/agents/{}/generate': proof('contract/generate.test.ts')(
    "answers a prompt with the agent's model, and stores nothing",
    'A failure of the provider has the status and form that it has for messages; the original answers 502 to all.',
  ),
  'GET /v1/agents/{}/context': contexts('has the form of the original and adds up'),
  'GET /v1/agents/{}/export': files(
    'writes an agent in the form of the original, with ids of the file alone and without secrets',
    'The legacy format is refused.',
  ),
  'POST /v1/agents/{}/export': files('skills that a client sends are put into the file'),
  'POST /v1/agents/import': files(
    'reads a file of the original: the thread is whole and its calls have their results',
    'The older form, of one agent, is read too, which the original refuses. An agent comes with its sleeper and its folders; ' +
      'other groups, files without a text and tools that this server does not have are left out; `left_out` of the answer names them.',
  ),
  'GET /v1/identities': IDENTITY_PAGES,
  'POST /v1/identities': IDENTITY_FORM,
  'PUT /v1/identities': IDENTITY_KEY,
  'GET /v1/identities/count': identities('refuses what the original refuses, and stores nothing of it'),
  'GET /v1/identities/{}': IDENTITY_FORM,
  'PATCH /v1/identities/{}': IDENTITY_FORM,
  'DELETE /v1/identities/{}': IDENTITY_FORM,
  'PUT /v1/identities/{}/properties': IDENTITY_FORM,
  'GET /v1/identities/{}/agents': identities(
    'show it, are found by it, and keep nothing of it when it is deleted',
  ),
  'GET /v1/identities/{}/blocks': IDENTITY_OF_BLOCKS,
  'PATCH /v1/agents/{}/identities/attach/{}': IDENTITY_OF_AGENTS,
  'PATCH /v1/agents/{}/identities/detach/{}': IDENTITY_OF_AGENTS,
  'PATCH /v1/blocks/{}/identities/attach/{}': IDENTITY_OF_BLOCKS,
  'PATCH /v1/blocks/{}/identities/detach/{}': IDENTITY_OF_BLOCKS,

  'GET /v1/agents/{}/folders': AGENT_FOLDERS_SDK,
  'PATCH /v1/agents/{}/folders/attach/{}': AGENT_FOLDERS,
  'PATCH /v1/agents/{}/folders/detach/{}': AGENT_FOLDERS,
  'GET /v1/agents/{}/sources': AGENT_FOLDERS_SDK,
  'PATCH /v1/agents/{}/sources/attach/{}': { ...AGENT_FOLDERS_SDK, limit: AGENT_FOLDERS.limit ?? '' },
  'PATCH /v1/agents/{}/sources/detach/{}': { ...AGENT_FOLDERS_SDK, limit: AGENT_FOLDERS.limit ?? '' },
  'GET /v1/agents/{}/files': agentFolders(
    'are listed, opened and closed by the unmodified SDK; too many open close the oldest',
  ),
  'PATCH /v1/agents/{}/files/close-all': AGENT_FILES,
  'PATCH /v1/agents/{}/files/{}/open': AGENT_FILES,
  'PATCH /v1/agents/{}/files/{}/close': AGENT_FILES,
  'GET /v1/folders': FOLDER_FORM,
  'POST /v1/folders': FOLDER_FORM,
  'GET /v1/folders/count': FOLDER_FORM,
  'GET /v1/folders/metadata': FOLDER_NUMBERS,
  'GET /v1/folders/name/{}': FOLDER_FORM,
  'GET /v1/folders/{}': FOLDER_FORM,
  'PATCH /v1/folders/{}': FOLDER_FORM,
  'DELETE /v1/folders/{}': FOLDER_FORM,
  'GET /v1/folders/{}/agents': FOLDER_FILES,
  'GET /v1/folders/{}/files': FOLDER_FILES,
  'GET /v1/folders/{}/files/{}': FOLDER_FILES,
  'DELETE /v1/folders/{}/{}': FOLDER_FILES,
  'GET /v1/folders/{}/passages': FOLDER_PASSAGES,
  'POST /v1/folders/{}/upload': { ...FOLDER_FILES, limit: UPLOAD_LIMIT },
  'GET /v1/sources': SOURCES,
  'POST /v1/sources': SOURCES,
  'GET /v1/sources/count': SOURCES,
  'GET /v1/sources/metadata': SOURCES,
  'GET /v1/sources/name/{}': SOURCES,
  'GET /v1/sources/{}': SOURCES,
  'PATCH /v1/sources/{}': SOURCES,
  'DELETE /v1/sources/{}': SOURCES,
  'GET /v1/sources/{}/agents': SOURCES,
  'GET /v1/sources/{}/files': SOURCES,
  'GET /v1/sources/{}/files/{}': SOURCES,
  'DELETE /v1/sources/{}/{}': SOURCES,
  'GET /v1/sources/{}/passages': SOURCES,
  'POST /v1/sources/{}/upload': { ...SOURCES, limit: UPLOAD_LIMIT },

  'GET /v1/groups': groups(GROUP_FORM),
  'GET /v1/groups/count': groups(GROUP_FORM),
  'GET /v1/agents/{}/groups': groups(GROUP_FORM),
  'GET /v1/groups/{}': groups(GROUP_FORM),
  'PATCH /v1/groups/{}': groups(
    'changes how often the sleeper is woken',
    '`manager_config` of the type `sleeptime` only.',
  ),

  'POST /v1/blocks': BLOCK_FORM,
  'GET /v1/blocks': blocks('filters blocks by everything the SDK offers'),
  'GET /v1/blocks/count': blocks('filters blocks by everything the SDK offers'),
  'GET /v1/blocks/{}': BLOCK_FORM,
  'PATCH /v1/blocks/{}': BLOCK_FORM,
  'DELETE /v1/blocks/{}': blocks('deletes a block with null and takes it from its agents'),
  'GET /v1/blocks/{}/agents': blocks('lists the agents of a block'),

  'POST /v1/tools': STORED_TOOL,
  'PUT /v1/tools': STORED_TOOL,
  'GET /v1/tools': TOOL_COUNT,
  'GET /v1/tools/count': TOOL_COUNT,
  'POST /v1/tools/add-base-tools': TOOL_COUNT,
  'GET /v1/tools/{}': tools(STORED_TOOL.title),
  'PATCH /v1/tools/{}': tools(
    'updates the fields it is sent, and the description inside the schema with the one outside',
  ),
  'POST /v1/tools/run': sources(
    'tries a source without an agent and answers with a message of the original form',
  ),
  'DELETE /v1/tools/{}': tools('deletes a tool with null and takes it from its agents'),

  'POST /v1/mcp-servers': MCP_CRUD,
  'GET /v1/mcp-servers': MCP_CRUD,
  'GET /v1/mcp-servers/{}': MCP_CRUD,
  'PATCH /v1/mcp-servers/{}': MCP_CRUD,
  'DELETE /v1/mcp-servers/{}': mcpServers(MCP_CRUD.title),
  'PATCH /v1/mcp-servers/{}/refresh': mcpServers(
    'a refresh takes over what has changed, and leaves what a user has set',
  ),
  'GET /v1/mcp-servers/{}/tools': MCP_TOOLS,
  'GET /v1/mcp-servers/{}/tools/{}': MCP_TOOLS,
  'POST /v1/mcp-servers/{}/tools/{}/run': mcpServers('a tool is run for a client, whatever comes of it'),
  'GET /v1/mcp-servers/connect/{}': MCP_OAUTH,
  'GET /v1/tools/mcp/oauth/callback': MCP_OAUTH,
  'GET /v1/tools/mcp/servers': { ...MCP_BY_NAME, limit: 'Secrets are shown as `[secret]`.' },
  'PUT /v1/tools/mcp/servers': { ...MCP_BY_NAME, limit: 'Secrets are shown as `[secret]`.' },
  'POST /v1/tools/mcp/servers/connect': MCP_OAUTH,
  'POST /v1/tools/mcp/servers/test': MCP_BY_NAME,
  'PATCH /v1/tools/mcp/servers/{}': MCP_BY_NAME,
  'DELETE /v1/tools/mcp/servers/{}': MCP_BY_NAME,
  'POST /v1/tools/mcp/servers/{}/resync': MCP_BY_NAME,
  'GET /v1/tools/mcp/servers/{}/tools': MCP_BY_NAME,
  'POST /v1/tools/mcp/servers/{}/tools/{}/execute': MCP_BY_NAME,
  'POST /v1/tools/mcp/servers/{}/{}': MCP_BY_NAME,

  'GET /v1/messages': lists('keeps conversations apart when asked to'),
  'GET /v1/messages/{}': lists(
    'counts stored messages, not the items they are shown as, and shows one message as all of its items',
  ),

  'GET /v1/runs': runs('is paged completely and in order by the unmodified SDK'),
  'GET /v1/runs/active': runs('lists active runs of all agents'),
  'GET /v1/runs/{}': runs('is shown key by key as the original shows it'),
  'DELETE /v1/runs/{}': runs('deletes a run that is over and no other'),
  'GET /v1/runs/{}/messages': RUN_MESSAGES,
  'GET /v1/runs/{}/steps': RUN_PARTS,
  'GET /v1/runs/{}/usage': RUN_PARTS,
  'GET /v1/runs/{}/metrics': RUN_PARTS,
  'POST /v1/runs/{}/stream': sending('a background stream is picked up after any of its frames'),
  'GET /v1/runs/{}/trace': older(
    'says that traces of runs are not recorded',
    'Always 501, as the original without its trace store: the run is in the Temporal UI.',
  ),

  'GET /v1/jobs': JOB_LISTS,
  'GET /v1/jobs/active': JOB_LISTS,
  'GET /v1/jobs/{}': JOB_LISTS,
  'PATCH /v1/jobs/{}/cancel': JOB_ENDS,
  'DELETE /v1/jobs/{}': JOB_ENDS,

  'POST /v1/messages/batches': BATCH_FORM,
  'GET /v1/messages/batches': BATCH_ENDS,
  'GET /v1/messages/batches/{}': BATCH_FORM,
  'GET /v1/messages/batches/{}/messages': batches(
    'lists what its runs said and did, newest first, without what they were sent',
  ),
  'PATCH /v1/messages/batches/{}/cancel': batches('a cancelled batch stops its runs, and stays cancelled'),

  'GET /v1/steps': FEEDBACK,
  'GET /v1/steps/{}': FEEDBACK,
  'GET /v1/steps/{}/messages': RUN_MESSAGES,
  'GET /v1/steps/{}/metrics': RUN_PARTS,
  'PATCH /v1/steps/{}/feedback': FEEDBACK,
  'GET /v1/steps/{}/trace': {
    ...FEEDBACK,
    limit: NO_TRACE,
  },
  'GET /v1/telemetry/{}': { ...OLDER_NAMES, limit: NO_TRACE },
};

/** What differs from Letta 0.16.7 on purpose. */
export const DIFFERENCES: readonly string[] = [
  'A message to an agent that is busy waits and is answered after the turn in progress, as a run of its own. The ' +
    'original interleaves the two turns in one transcript.',
  'A turn outlives its processes. A run never stays unfinished because a process died, and is `running` from its ' +
    'first step on, whichever way it was started.',
  'A tool call that was lost in the middle is not repeated unless the tool may be; its return says that the outcome is unknown.',
  'The system message is not rebuilt when memory changes: the prompt only grows, so that the prefix cache of the ' +
    'provider stays warm. The model reads its own edits in the results of its tools, and edits from elsewhere in a ' +
    'note before the next message. The system message that lists show may therefore hold older values than the blocks ' +
    '(decision 0005).',
  '`openai/…` handles keep their name with a base URL of your own; the original renames them to `openai-proxy/…`, ' +
    'which is understood as well.',
  "A block's `limit` holds for REST as it does for tools: a longer value is refused with 422 (0.16.7 stores it).",
  '`PUT /v1/identities/` creates an identity that is not there, and takes `block_ids` of one that is (0.16.7 answers 404, and ' +
    'ignores them).',
  'Jobs are runs (`/v1/jobs`), under the id of the run; 0.16.7 lists the reading of files and batches there. A batch is found by its id.',
  'A batch (`/v1/messages/batches`) is stored as a whole or not at all. Its turns are ordinary ones, with every model, eight at a time; ' +
    '0.16.7 hands Anthropic a batch of its own and polls it.',
  '`GET /v1/steps/` works (0.16.7 always answers 400), and pages of `GET /v1/runs/` follow the cursor in the order that was asked for.',
  'Every run can be streamed again with `POST /v1/runs/{run_id}/stream`, also an async one (0.16.7 sends pings for ' +
    'ever) and one that is over, for as long as the run is kept; no 400 for foreground runs, no 410 after three hours.',
  'A cancelled stream ends with `[DONE]`. Cancelling a run that is over answers `failed` for it, not `cancelled`.',
  'All parallel calls of a reply of the Responses API are kept.',
  "An agent's name with characters that 0.16.7 cannot store is refused with 400, not 500.",
  'A 409 that will not go away by itself carries `x-should-retry: false`, and so do model failures, whose retries ' +
    'happen inside the turn.',
  'A password alone (`EVERTURN_PASSWORD` or `LETTA_SERVER_PASSWORD`) locks the API; the original also needs a switch.',
  '`fetch_webpage` reads pages itself, public addresses only; `web_search` asks Exa, as the original does; ' +
    '`run_code` runs Python, JavaScript and TypeScript in the sandbox of this server, where the original asks a service.',
  'Searches of passages rank by words and, where the archive has an embedding model, by vectors, fused by reciprocal rank; ' +
    'the `score` of a hit is larger the better it is. The vector of a passage has the length its model gives (the ' +
    'original pads to 4096), and is `null` while it is missing: a passage is kept when the embedding model is away.',
  'Searches of messages and tools answer from the database; the original answers 400 without a paid store.',
  'A context is made smaller before a call that would not fit as well, not only after one; no step makes more than three ' +
    'compactions, and none more than three calls of a summarizer. What a summarizer reads is bounded, so a context of any ' +
    'size comes through. Without a usable summary the oldest messages are taken out all the same (docs/context.md).',
  '`POST …/summarize` and `…/compact` are runs: they are listed, can be cancelled, and go on after a crash.',
  'A fork copies its messages: they have ids of their own and belong to no run.',
  'Tools run in a sandbox: no network unless the tool has one, no programs, no files but their own (docs/tools.md). ' +
    'Packages are installed from wheels alone. A `json_schema` that names no function of the source is refused with 400.',
  'Tools in TypeScript and JavaScript (`source_type` `typescript` or `javascript`) run in a Deno on this ' +
    'machine; the original needs E2B or Modal for them. The last exported function is the tool, unless ' +
    '`json_schema` names one.',
  'A `run_first` rule for a tool that the agent does not have does nothing; the original then offers no tool at all. ' +
    'Several such rules are taken for every model; the original refuses them for some. ' +
    'An `exit_loop` tool in the last step that `max_steps` allows ends with `tool_rule`, not `max_steps`. A call that a ' +
    'rule refuses is not put to a human first.',
  'Secrets of MCP servers (tokens, headers, variables that look like one) are never shown, and a tool whose name another tool has is not ' +
    'taken for it: it gets the name of its server in front. Unknown MCP servers are 404 on every route.',
  'System prompts and tool descriptions are our own. The results and errors of tools have the words of the original, but for ' +
    'those that look into folders: they answer with what they read or found. What is open is no part of the prompt and not ' +
    'opened by an upload; `memory.file_blocks` is empty, `GET /v1/agents/{id}/files` lists it ([folders.md](folders.md)).',
  'Agents of the older types get no `thinking` argument in their tools, and need not call a tool to end a turn. ' +
    '`react_agent` and `workflow_agent` begin with the system message only: they have no tool to say the first words with.',
  'The answers to `send_message_to_agent_and_wait_for_reply` and `send_message_to_agents_matching_tags` say in ' +
    'Python’s notation what became of each message, which is a run of the other agent ([multi-agent.md](multi-agent.md)); ' +
    'circles, depth and fan-out are limited.',
  'A sleeper (`enable_sleeptime`) needs no embedding and has no block of its own beside those it shares; groups of other types ' +
    'cannot be created.',
  'The `delete` command of `memory` takes a block out of the agent’s memory and keeps the block, which may be shared.',
  'Without a model provider of the server’s own the model `everturn/demo` is offered; there is no hosted free model.',
  'Keys of providers are never shown: `api_key_enc` is `[secret]`, and `[secret]` as `api_key` keeps the stored key. A provider that is ' +
    'created again with the same fields is the stored one, with others a 409. A provider that is deleted is gone. Agents on ' +
    'models of such a provider are summarized by a light model of the same provider.',
];

/** What clients of this server can use that Letta does not have. */
export const EXTENSIONS: readonly string[] = [
  '`effects` on tools, read and written: `read`, `transactional`, `idempotent` or `once` (default for tools of ' +
    'users). It decides what happens to a call whose process died (decision 0004). `PATCH /v1/agents/{}/tools/effects/{}` ' +
    'with `{"effects": …}` says it for the calls of one agent, `null` takes that back.',
  '`network` on tools, read and written: whether the code reaches public web servers; `TOOL_NETWORK` decides where it is not set.',
  'Fields `tools_read_at` and `tools_error` on MCP servers: how old the list of their tools is, and why it could not be read.',
  '`GET /v1/effects/*key`, `GET /v1/effects` (`status`, `agent_id`, `run_id`, `tool_name`, `before`, `after`, `limit`, ' +
    '`order`): the ledger of tool calls, by `run/step/tool_call_id`. `POST /v1/effects/*key/resolve` with `{"resolution": ' +
    '"done" | "not_done" | "retry", "result"?}` settles a call whose outcome is unknown.',
  '`GET /v1/approvals` (`status=pending|answered|expired|cancelled`, `agent_id`, `tool_name`, `before`, `after`, `limit`, ' +
    '`order`): the calls that humans were asked about, across agents. `POST /v1/approvals/{}/answer` with the id of the ' +
    'approval request and `{"approve", "reason"?}` or `{"approvals": […]}` answers as an async run. `proposed_changes` shows ' +
    'what a pending call of a memory tool would change, as a diff.',
  '`sleeptime_agent_review_seconds` in the `manager_config` of `PATCH /v1/groups/{}`: what the sleeper writes waits for ' +
    'approval, and keeps it from its next look no longer than that ([multi-agent.md](multi-agent.md)).',
  '`GET /v1/blocks/{}/history` (`before`, `after`, `limit`, `order`, `as_of`): every value a block had, who wrote it (run, ' +
    'step, tool call, model, message) and what changed; `GET /v1/blocks/{}?as_of=` the block at a moment; ' +
    '`ETag` and `If-Match` on `GET` and `PATCH /v1/blocks/{}` refuse a write on top of a version one has not read (409); ' +
    '`GET /v1/blocks/{}/blame` the version behind each line; `POST /v1/blocks/{}/revert` with `{"version": n}`.',
  'The same of passages: `GET /v1/archives/{}/passages/{}/history`, `GET /v1/archives/{}/history` (all writes of an archive, ' +
    'deletions too), `GET /v1/archives/{}/passages` and `GET /v1/archives/{}/passages/{}` with `as_of`, `POST ' +
    '/v1/archives/{}/passages/{}/revert`. `PATCH /v1/archives/{}/passages/{}` (`text`, `tags`, `metadata`) corrects a passage.',
  '`GET /v1/messages/{}/writes`: what a message, or a tool result, taught: the writes of blocks and passages that followed it ' +
    'in its turn and in the runs that this turn brought about. `POST /v1/messages/{}/unlearn` takes them all back, in one ' +
    'transaction or not at all (409), and answers `{"blocks", "passages"}` ([memory.md](memory.md)).',
  'Field `arguments` (object or JSON text) in an approval: the call runs with them in place of the model’s own.',
  'Field `approval_expiry` on tools and in `PATCH /v1/agents/{}/tools/approval/{}`: `{"action": "never"}` (default) or ' +
    '`{"action": "deny" | "allow", "after_seconds": n}` answers calls that nobody answered in time.',
  'Field `undo` on tools: the tool that takes back its calls. `GET /v1/runs/{}/undo` shows what of a run can be undone, ' +
    '`POST /v1/runs/{}/undo` undoes it, newest first and once ([multi-agent.md](multi-agent.md)).',
  'Field `effect_status: "unknown"` on tool returns of such calls, and event `effect_resolved` in streams once they are settled.',
  'Field `embedding` in `PATCH /v1/archives/{}` gives an archive another embedding model; its passages get new vectors by ' +
    'a workflow. Headers `x-everturn-search-mode` (`hybrid` or `text`) and `x-everturn-search-reason` of searches say how ' +
    'hits were found. `Idempotency-Key` on requests that store passages or a file: the same key with the same body ' +
    'stores nothing twice, with another body 422.',
  '`Idempotency-Key` on requests that send messages: the same key with the same body answers from the same run, with ' +
    'another body 422. The otids of messages do the same without a header (sent to an agent, with the same body), and a request that an SDK sends again ' +
    '(`x-stainless-retry-count`) joins its run.',
  'Field `error` in a blocking answer that had begun before its run failed: the `error_message` of streams. An answer ' +
    'begins after 20 seconds, with status 200 and spaces in front of its JSON, so that no client gives up on it.',
  '`GET /v1/agents/{}/doctor` says what is not as turns leave it: `is_healthy` and `findings` with `code`, `severity`, the ids ' +
    'of the place, `what`, `repair`, `repairable`, `repaired` and `facts`. `POST /v1/agents/{}/doctor` repairs what it can and ' +
    'answers in the same form (docs/operations.md, Repair).',
  '`client_skills` of a request are told to the model in a note before the message, once, and again when they change ' +
    '([letta-code.md](letta-code.md)); the original lists them in the system prompt of each request.',
  '`GET /v1/agents/{}/secrets`, a route of Letta’s cloud that Letta Code asks for: the secrets of an agent with their values, as ' +
    '`include=agent.secrets` shows them.',
  'Event `rewind` in token streams, under a name that the SDKs skip: the model call was begun anew, and the deltas of ' +
    'its step from frame `from_seq_id` on are void. What comes again has a new message id.',
];
