import type { Readable } from 'node:stream';

/** Text of a stream up to `limitBytes`; what follows is read, so that the writer does not block, and dropped. */
export function collectText(stream: Readable, limitBytes: number): () => string {
  const chunks: Buffer[] = [];
  let kept = 0;
  let total = 0;
  stream.on('data', (chunk: Buffer) => {
    total += chunk.length;
    if (kept >= limitBytes) return;
    const part = chunk.subarray(0, limitBytes - kept);
    kept += part.length;
    chunks.push(part);
  });
  // A pipe that breaks has ended.
  stream.on('error', () => undefined);
  return () => {
    const text = Buffer.concat(chunks).toString('utf8');
    return total > kept ? `${text}\n[output cut: ${total} bytes were printed, ${kept} are kept]\n` : text;
  };
}

/** The one answer of a run: a line that begins with the run's nonce. Anything else on the channel is ignored. */
export function collectAnswer(
  stream: Readable,
  {
    nonce,
    limitBytes,
    onAnswer,
  }: { readonly nonce: string; readonly limitBytes: number; readonly onAnswer: () => void },
): () => unknown {
  const prefix = Buffer.from(`${nonce} `);
  let pending: Buffer[] = [];
  let size = 0;
  let answer: unknown;
  stream.on('error', () => undefined);
  stream.on('data', (chunk: Buffer) => {
    if (answer !== undefined) return;
    let rest = chunk;
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
      const line = Buffer.concat([...pending, rest.subarray(0, end)]);
      pending = [];
      size = 0;
      rest = rest.subarray(end + 1);
      answer ??= line.subarray(0, prefix.length).equals(prefix)
        ? parseJson(line.subarray(prefix.length))
        : undefined;
    }
    size += rest.length;
    if (size <= limitBytes) pending.push(rest);
    else pending = [];
    if (answer !== undefined) onAnswer();
  });
  return () => answer;
}

function parseJson(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString('utf8'));
  } catch {
    return undefined; // Not an answer of ours, so no answer.
  }
}
