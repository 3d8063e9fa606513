import type { Readable } from 'node:stream';

const ANSWER_LIMIT_BYTES = 16 << 20;

/** What a process printed, and its one answer. */
export interface Said {
  readonly text: string;
  /** Undefined without one. */
  readonly answer: unknown;
}

/**
 * Tells the one answer of a run from whatever else a tool has written to the stream before: it is the line that begins with
 * the run's nonce. Text beyond `limitBytes` is read, so that the writer does not block, and dropped; an answer beyond
 * 16 MB is none.
 */
export function readChannel(
  stream: Readable,
  {
    nonce,
    limitBytes,
    onAnswer,
  }: { readonly nonce: string; readonly limitBytes: number; readonly onAnswer: () => void },
): () => Said {
  const marker = Buffer.from(`\n${nonce} `);
  const printed = createText(limitBytes);
  let rest: Buffer = Buffer.alloc(0);
  let answer: Buffer[] | null = null;
  let size = 0;
  let said: unknown;

  function addAnswer(chunk: Buffer): void {
    if (answer === null || said !== undefined) return;
    size += chunk.length;
    if (size > ANSWER_LIMIT_BYTES) return;
    answer.push(chunk);
    if (!chunk.includes(10)) return;
    said = parseJson(Buffer.concat(answer));
    onAnswer();
  }
  stream.on('error', () => undefined);
  stream.on('data', (chunk: Buffer) => {
    if (answer !== null) {
      addAnswer(chunk);
      return;
    }
    rest = Buffer.concat([rest, chunk]);
    const at = rest.indexOf(marker);
    // The end may hold half a marker.
    const end = at === -1 ? Math.max(rest.length - marker.length + 1, 0) : at;
    printed.add(rest.subarray(0, end));
    rest = rest.subarray(end);
    if (at === -1) return;
    answer = [];
    addAnswer(rest.subarray(marker.length));
    rest = Buffer.alloc(0);
  });
  return () => {
    // What was held back as half a marker was none.
    printed.add(rest);
    rest = Buffer.alloc(0);
    return { text: printed.text(), answer: said };
  };
}

/** Text of a stream up to `limitBytes`; what follows is read, so that the writer does not block, and dropped. */
export function collectText(stream: Readable, limitBytes: number): () => string {
  const printed = createText(limitBytes);
  stream.on('data', (chunk: Buffer) => printed.add(chunk));
  // A pipe that breaks has ended.
  stream.on('error', () => undefined);
  return () => printed.text();
}

/** Text up to a limit, with a note of what was dropped. */
function createText(limitBytes: number): { add(chunk: Buffer): void; text(): string } {
  const chunks: Buffer[] = [];
  let kept = 0;
  let total = 0;
  return {
    add(chunk) {
      total += chunk.length;
      const part = chunk.subarray(0, limitBytes - kept);
      if (part.length === 0) return;
      kept += part.length;
      chunks.push(Buffer.from(part));
    },
    text() {
      const text = Buffer.concat(chunks).toString('utf8');
      return total > kept ? `${text}\n[output cut: ${total} bytes were printed, ${kept} are kept]\n` : text;
    },
  };
}

function parseJson(line: Buffer): unknown {
  try {
    return JSON.parse(line.subarray(0, line.indexOf(10)).toString('utf8'));
  } catch {
    return undefined; // Not an answer of ours, so no answer.
  }
}
