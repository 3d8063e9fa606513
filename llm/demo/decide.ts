import type { ModelRequest, PromptMessage } from '../../domain/model';
import { isNote, readMemory, readToolResult, userText } from './memory';
import type { DemoMemory } from './memory';
import { sampleArguments } from './sample-arguments';
import { knownName, readWishes, userBlock } from './wishes';
import type { Wish } from './wishes';

/** What the demo model does next: call tools, or say something. */
export type Decision =
  | { readonly type: 'call'; readonly calls: readonly Wish[] }
  | { readonly type: 'say'; readonly text: string };

type ToolMessage = Extract<PromptMessage, { role: 'tool' }>;

/** Every reply begins with this, so that nobody takes the script for a language model. */
const DEMO_LABEL = '[demo model] ';

/**
 * The script. A pure function of the request: it carries out what the user's messages of this turn ask for, one step
 * after the other, then tells what the tools answered.
 */
export function decide(request: ModelRequest): Decision {
  const { tools, toolChoice, messages } = request;
  const turn = messages.slice(turnStart(messages));
  const heard = turn.filter((message) => message.role === 'user' && !isNote(message));
  const text = heard.map((message) => (message.role === 'user' ? userText(message) : '')).join('\n');
  const before = turn.findIndex((message) => message.role === 'assistant');
  const memoryBefore = readMemory(
    before < 0 ? messages : messages.slice(0, messages.length - turn.length + before),
  );
  const wishes = readWishes(text, memoryBefore, tools);
  const made = callsIn(turn);
  const isOffered = (wish: Wish) => tools.some((tool) => tool.name === wish.tool);
  const possible = toolChoice === 'none' ? [] : wishes.filter(isOffered);
  const forced = forcedCall(request, possible[made], text);
  if (forced) return { type: 'call', calls: [forced] };
  const open = possible.slice(made);
  if (open.length > 0) return { type: 'call', calls: request.parallelToolCalls ? open : open.slice(0, 1) };
  const missing =
    toolChoice === 'none' ? [] : wishes.filter((wish) => !isOffered(wish)).map((wish) => wish.tool);
  return {
    type: 'say',
    text: DEMO_LABEL + say({ text, turn, missing, memory: readMemory(messages), request }),
  };
}

/** A turn begins after the last reply that called no tool. */
function turnStart(messages: readonly PromptMessage[]): number {
  const isFinal = (message: PromptMessage) =>
    message.role === 'assistant' && !message.parts.some((part) => part.type === 'tool_call');
  return messages.findLastIndex(isFinal) + 1;
}

const callsIn = (turn: readonly PromptMessage[]): number =>
  turn.reduce(
    (sum, message) =>
      message.role === 'assistant'
        ? sum + message.parts.filter((part) => part.type === 'tool_call').length
        : sum,
    0,
  );

/** When a call is demanded: the wished one if it fits, else the demanded (or first) tool with arguments made up. */
function forcedCall({ tools, toolChoice }: ModelRequest, wish: Wish | undefined, text: string): Wish | null {
  if (toolChoice === 'auto' || toolChoice === 'none') return null;
  const name = toolChoice === 'required' ? wish?.tool : toolChoice.name;
  if (wish && wish.tool === name) return wish;
  const tool = name === undefined ? tools[0] : tools.find((candidate) => candidate.name === name);
  return tool ? { tool: tool.name, arguments: sampleArguments(tool, text) } : null;
}

interface Situation {
  readonly text: string;
  readonly turn: readonly PromptMessage[];
  readonly missing: readonly string[];
  readonly memory: DemoMemory;
  readonly request: ModelRequest;
}

function say({ text, turn, missing, memory, request }: Situation): string {
  const tools = turn.filter((message) => message.role === 'tool');
  const results = tools.filter((message, at) => !isOutdated(message, tools.slice(at + 1))).map(report);
  const absent = missing.map(
    (name) => `I would need the tool ${name} for that, and it is not attached to this agent.`,
  );
  const answers = answersTo(text, memory);
  const said = [...results, ...absent, ...answers];
  return said.length > 0 ? said.join('\n') : introduction(text, memory, request);
}

// A block that a later call edited again is shown once, as it is in the end.
const isOutdated = (message: ToolMessage, later: readonly ToolMessage[]): boolean =>
  message.name.startsWith('memory_') &&
  readToolResult(message.text).isOk &&
  later.some(({ name, text }) => name.startsWith('memory_') && readToolResult(text).isOk);

function report({ name, text }: ToolMessage): string {
  const result = readToolResult(text);
  const shown = result.text.length > 400 ? `${result.text.slice(0, 400)}…` : result.text;
  if (!result.isOk) return `The tool ${name} failed: ${shown}`;
  if (name.startsWith('memory_')) return `I saved that. The memory block reads: ${shown}`;
  return shown === '' ? `The tool ${name} returned nothing.` : `The tool ${name} returned: ${shown}`;
}

function answersTo(text: string, memory: DemoMemory): readonly string[] {
  const human = memory.get('human')?.value ?? userBlock(memory)?.value ?? '';
  const answers: string[] = [];
  if (/what(?:['’]s| is) my name|who am i\b|(know|remember|recall) my name/i.test(text)) {
    const name = knownName(human);
    answers.push(name === null ? 'My memory does not hold your name yet.' : `Your name is ${name}.`);
  }
  if (
    /(know|remember|learned|learnt|remembered) about me|tell me about me\b|what do i like|where do i live/i.test(
      text,
    )
  ) {
    answers.push(
      human.trim() === '' ? 'I know nothing about you yet.' : `My memory says about you: ${human.trim()}`,
    );
  }
  if (/who are you|what are you|your (name|persona)|about yourself/i.test(text)) {
    const persona = memory.get('persona')?.value.trim() ?? '';
    answers.push(
      `I am a script that shows how Everturn works.${persona === '' ? '' : ` My persona block says: ${persona}`}`,
    );
  }
  return answers;
}

function introduction(text: string, memory: DemoMemory, { tools }: ModelRequest): string {
  const name = knownName(memory.get('human')?.value ?? '');
  const heard = text.trim().length > 200 ? `${text.trim().slice(0, 200)}…` : text.trim();
  return [
    `Hello${name === null ? '' : ` ${name}`}! I am a script, not a language model, because no model provider is configured.`,
    ...(heard === '' ? [] : [`You said: "${heard}".`]),
    'Tell me your name or what you like, ask what I know about you, or ask me to use one of my tools' +
      (tools.length > 0 ? ` (${tools.map((tool) => tool.name).join(', ')}).` : '.'),
  ].join(' ');
}
