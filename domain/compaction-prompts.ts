import { isSelf, type CompactionMode, type CompactionSettings } from './compaction';
import type { Message } from './message';
import { textOf } from './prompt';
import { DEFAULT_COMPACTION_PROMPT } from './system-prompt';

const CONTENT = `Keep what is needed to carry on: who the user is and what they want, the request that is being worked on
right now in its own words, decisions with their reasons, facts, names, numbers and file paths exactly as given, results of
tools that still matter, and what was promised or is still open. Leave out greetings and steps that led nowhere.`;

/** For the agent's own model, which is in the middle of the conversation. */
const SELF_PROMPT = `The conversation has grown too long for your context, and most of it is about to be taken out. Do not answer
the user and do not call a tool: write the summary that will stand in its place for you.
${CONTENT} Carry over what an earlier summary says. Write in the past tense, in plain text.`;

const ACKNOWLEDGEMENT =
  'Reply with the summary alone: no introduction, no question, no remark about the task.';

/** What a summarizer is told. A prompt that a client has set counts for every mode. */
export function summarizerPrompt(settings: CompactionSettings, mode: CompactionMode): string {
  const own = settings.prompt === DEFAULT_COMPACTION_PROMPT ? null : settings.prompt;
  const prompt = own ?? (isSelf(mode) ? SELF_PROMPT : `${DEFAULT_COMPACTION_PROMPT}\n${CONTENT}`);
  return settings.promptAcknowledgement ? `${prompt}\n\n${ACKNOWLEDGEMENT}` : prompt;
}

// How much of what must not be lost a cut without a summary quotes, in characters.
const QUOTED = 4_000;

/** What stands for messages that were taken out without a summary, because no model could write one. */
export function withoutSummary(dropped: readonly Message[], limit: number): string {
  const earlier = dropped.findLast(({ role }) => role === 'summary');
  const first = dropped.find(({ role }) => role === 'user');
  const last = dropped.findLast(({ role }) => role === 'user');
  const quote = (label: string, message: Message | undefined): readonly string[] =>
    message ? [`${label}\n${clip(textOf(message.parts), Math.min(QUOTED, Math.floor(limit / 3)))}`] : [];
  return [
    `${dropped.length} messages were taken out without a summary.`,
    ...quote('The summary of what came before them:', earlier),
    ...quote('They began with this message of the user:', first),
    ...quote('The last message of the user among them:', last === first ? undefined : last),
  ].join('\n\n');
}

/** `text` in at most `limit` characters (and a remark), its beginning and its end kept. */
export function clip(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const head = Math.ceil((limit * 2) / 3);
  const tail = Math.max(limit - head, 0);
  return `${text.slice(0, head)} [… ${text.length - head - tail} characters left out …] ${text.slice(text.length - tail)}`;
}
