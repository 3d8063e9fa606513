import { countTokens } from '../count-tokens';
import { toolsOf } from '../db/agent-attachments';
import { getAgent } from '../db/agents';
import type { Queryable } from '../db/pool';
import { countRecall, readContext } from '../db/read-context';
import { countableText, fixedTokens, sum, toolText } from '../domain/context-size';
import type { Message } from '../domain/message';
import { textOf, toPrompt, toToolSpecs } from '../domain/prompt';
import type { Thread } from './threads';
import { toWireStoredMessage } from './wire/stored-message';

/**
 * What a thread's context is made of and how many tokens each part takes. The counts are estimates; they are made part by
 * part, so that they add up to `context_window_size_current`.
 */
export async function contextOverview(db: Queryable, thread: Thread) {
  const agent = await getAgent(db, thread.agentId);
  const context = await readContext(db, thread.conversationId);
  const tools = toToolSpecs((await toolsOf(db, [agent.id])).get(agent.id) ?? []);
  const compiled = textOf(context.find(({ role }) => role === 'system')?.parts ?? []);
  const sections = sectionsOf(agent.system, compiled);
  const summary = context.find(({ role }) => role === 'summary');
  const rest = context.filter(({ role }) => role !== 'system' && role !== 'summary');
  const [system = 0, memory = 0, rules = 0, directories = 0, external = 0, functions = 0] = await countTokens(
    [
      sections.system,
      sections.memory,
      sections.rules,
      sections.directories,
      sections.external,
      toolText(tools),
    ],
  );
  const summarized = await tokensOf(summary ? [summary] : []);
  const messages = await tokensOf(rest);
  const limit = agent.llmConfig['context_window'];
  return {
    context_window_size_max: typeof limit === 'number' ? limit : 0,
    context_window_size_current: sum([
      system,
      memory,
      rules,
      directories,
      external,
      functions,
      summarized,
      messages,
    ]),
    num_messages: context.length,
    num_archival_memory: 0,
    num_recall_memory: await countRecall(db, thread.conversationId),
    num_tokens_external_memory_summary: external,
    external_memory_summary: sections.external,
    num_tokens_system: system,
    system_prompt: sections.system,
    num_tokens_core_memory: memory,
    core_memory: sections.memory,
    num_tokens_memory_filesystem: 0,
    memory_filesystem: null,
    num_tokens_tool_usage_rules: rules,
    tool_usage_rules: sections.rules || null,
    num_tokens_directories: directories,
    directories: sections.directories || null,
    num_tokens_summary_memory: summarized,
    summary_memory: summary ? textOf(summary.parts) : null,
    num_tokens_functions_definitions: functions,
    functions_definitions: tools.map((tool) => ({ function: { ...tool, strict: null }, type: 'function' })),
    num_tokens_messages: messages,
    messages: context.map((message) => toWireStoredMessage(message, String(agent.llmConfig['model']))),
  };
}

const sectionsOf = (system: string, compiled: string) => ({
  system,
  memory: sectionOf(compiled, 'memory_blocks'),
  rules: sectionOf(compiled, 'tool_usage_rules'),
  directories: sectionOf(compiled, 'directories'),
  external: sectionOf(compiled, 'memory_metadata'),
});

/** The last section of this name: the agent's own instructions may use the same words before it. */
function sectionOf(compiled: string, name: string): string {
  const end = compiled.lastIndexOf(`</${name}>`);
  const start = compiled.lastIndexOf(`<${name}>`, end);
  return start === -1 || end === -1 ? '' : compiled.slice(start, end + name.length + 3);
}

async function tokensOf(messages: readonly Message[]): Promise<number> {
  const prompt = toPrompt(messages);
  return sum(await countTokens(prompt.map(countableText))) + sum(prompt.map(fixedTokens));
}
