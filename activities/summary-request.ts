import { isSelf, SUMMARY_INPUT, type CompactionMode } from '../domain/compaction';
import { summarizerPrompt } from '../domain/compaction-prompts';
import type { OpenedCompaction } from '../domain/compaction-store';
import { sum, toolText, type CountTokens } from '../domain/context-size';
import type { Message } from '../domain/message';
import type { ModelRequest, ModelSettings, PromptMessage } from '../domain/model';
import { toPrompt } from '../domain/prompt';
import { boundedMessages, transcriptLine } from '../domain/summary-input';

const DEFAULTS: ModelSettings = {
  temperature: null,
  maxOutputTokens: null,
  reasoningEffort: null,
  maxReasoningTokens: null,
  verbosity: null,
  frequencyPenalty: null,
  strict: false,
  responseFormat: null,
};

/**
 * The request for a summary. All of it takes at most 60 % of the window: a summarizer reads a transcript, the agent's own
 * model its conversation with the instructions behind it.
 */
export async function summaryRequest(
  { countTokens }: { readonly countTokens: CountTokens },
  asked: {
    readonly compaction: OpenedCompaction;
    readonly mode: CompactionMode;
    readonly dropped: readonly Message[];
    readonly name: string;
    readonly window: number;
  },
): Promise<ModelRequest> {
  const { compaction, mode, dropped, name, window } = asked;
  const { settings, context } = compaction;
  const prompt = summarizerPrompt(settings, mode);
  const system = isSelf(mode) ? context.filter(({ role }) => role === 'system') : [];
  const tools = isSelf(mode) ? compaction.tools : [];
  const fixed = sum(await countTokens([prompt, toolText(tools), ...system.map(transcriptLine)]));
  const budget = Math.max(SUMMARY_INPUT * window - fixed, 0);
  const shown = await boundedMessages(dropped, budget, countTokens);
  return {
    model: name,
    messages: isSelf(mode) ? inConversation([...system, ...shown], prompt) : asTranscript(shown, prompt),
    tools,
    toolChoice: 'none',
    parallelToolCalls: false,
    settings: isSelf(mode) ? { ...compaction.modelSettings, responseFormat: null } : settingsOf(compaction),
  };
}

const user = (text: string): PromptMessage => ({ role: 'user', parts: [{ type: 'text', text }] });

const inConversation = (messages: readonly Message[], prompt: string): readonly PromptMessage[] => [
  ...toPrompt(messages),
  user(prompt),
];

const asTranscript = (messages: readonly Message[], prompt: string): readonly PromptMessage[] => [
  { role: 'system', text: prompt },
  user(
    [
      '<transcript>',
      ...messages.map(transcriptLine).filter((line) => line !== ''),
      '</transcript>',
      'Write the summary of this transcript.',
    ].join('\n'),
  ),
];

/** What a client has set for the summarizer; all else is the model's own default. */
function settingsOf({ settings: { modelSettings } }: OpenedCompaction): ModelSettings {
  const { temperature, max_output_tokens: most, reasoning } = modelSettings ?? {};
  const effort =
    typeof reasoning === 'object' && reasoning !== null && 'reasoning_effort' in reasoning
      ? reasoning.reasoning_effort
      : null;
  return {
    ...DEFAULTS,
    temperature: typeof temperature === 'number' ? temperature : null,
    maxOutputTokens: typeof most === 'number' ? most : null,
    reasoningEffort: typeof effort === 'string' ? effort : null,
  };
}
