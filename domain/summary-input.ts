import { clip } from './compaction-prompts';
import { type CountTokens, sum } from './context-size';
import type { Message, MessagePart, ToolReturnPart } from './message';
import { textOf } from './prompt';
import { toUnits, type Unit } from './transcript-units';

/** How much of a message is shown, in characters: results of tools give way first. */
interface Clipping {
  readonly tools: number;
  readonly texts: number;
}
const CLIPPINGS: readonly Clipping[] = [
  { tools: 4_000, texts: Infinity },
  { tools: 1_000, texts: Infinity },
  { tools: 300, texts: 8_000 },
  { tools: 300, texts: 2_000 },
];

/**
 * The messages in at most `budget` tokens, as whole units: results of tools are clipped first, then long texts; what is
 * still too much is left out from the middle, and a note says so. What fits is returned as it is.
 */
export async function boundedMessages(
  messages: readonly Message[],
  budget: number,
  count: CountTokens,
): Promise<readonly Message[]> {
  const size = async (shown: readonly Message[]) => sum(await count(shown.map(transcriptLine)));
  const tokens = await size(messages);
  if (tokens <= budget) return messages;
  // One count tells how dense the text is; from there on characters do.
  const density = tokens / Math.max(1, charactersOf(messages));
  for (const clipping of CLIPPINGS) {
    const shown = messages.map((message) => clipped(message, clipping));
    if (charactersOf(shown) * density <= budget && (await size(shown)) <= budget) return shown;
  }
  const smallest = messages.map((message) => clipped(message, { tools: 300, texts: 2_000 }));
  for (let characters = budget / density; ; characters *= 0.8) {
    const shown = withoutMiddle(toUnits(smallest), characters);
    if (characters < 1 || (await size(shown)) <= budget) return shown;
  }
}

const charactersOf = (messages: readonly Message[]): number =>
  sum(messages.map((message) => transcriptLine(message).length));

function clipped(message: Message, { tools, texts }: Clipping): Message {
  const parts = message.parts.flatMap((part): readonly MessagePart[] => {
    switch (part.type) {
      case 'text':
        return [{ type: 'text', text: clip(part.text, texts) }];
      case 'image':
        return [{ type: 'text', text: '(an image)' }];
      case 'tool_call':
        return [{ ...part, arguments: clippedArguments(part.arguments, tools) }];
      case 'tool_return':
        return [withoutImages({ ...part, result: clip(part.result, tools) })];
      case 'approval':
        return [part];
      default:
        return [];
    }
  });
  return { ...message, parts };
}

const withoutImages = ({ images: _, ...part }: ToolReturnPart): ToolReturnPart => part;

// Providers read arguments as JSON.
const clippedArguments = (text: string, limit: number): string =>
  text.length <= limit ? text : JSON.stringify({ clipped: clip(text, limit) });

/** The first units in a quarter of the room and the last ones in the rest. */
function withoutMiddle(units: readonly Unit[], characters: number): readonly Message[] {
  let head = 0;
  let tail = units.length;
  for (let left = characters / 4; head < tail; head++) {
    left -= charactersOf(units[head] ?? []);
    if (left < 0) break;
  }
  for (let left = characters * 0.7; tail > head; tail--) {
    left -= charactersOf(units[tail - 1] ?? []);
    if (left < 0) break;
  }
  const middle = units.slice(head, tail).flat();
  const [first] = middle;
  if (!first) return units.flat();
  const parts = [{ type: 'text', text: `(${middle.length} messages are left out here.)` }] as const;
  const gap: Message = { ...first, role: 'note', name: null, parts };
  return [...units.slice(0, head).flat(), gap, ...units.slice(tail).flat()];
}

/** A message in a transcript that a summarizer reads; empty where it says nothing. */
export function transcriptLine({ role, parts }: Message): string {
  const lines = parts.flatMap((part): readonly string[] => {
    if (part.type === 'tool_call') return [`[${role} calls ${part.name}] ${part.arguments}`];
    if (part.type === 'tool_return' && role === 'tool')
      return [`[result of ${part.name}: ${part.status}] ${part.result}`];
    return part.type === 'image' ? [`[${role}] (an image)`] : [];
  });
  const text = textOf(parts);
  const said = role === 'summary' ? 'summary of what came before' : role;
  return [...(text === '' ? [] : [`[${said}] ${text}`]), ...lines].join('\n');
}
