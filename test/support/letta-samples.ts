import { readFileSync } from 'node:fs';
import path from 'node:path';

const FOLDER = path.join(__dirname, '../fixtures/letta');

/** The text of a recording of the original server. */
export const sampleText = (name: string): string => readFileSync(path.join(FOLDER, name), 'utf8');

/** The body of a recorded answer. Recordings are JSON from outside: tests compare them, they do not trust them. */
export function sampleBody(name: string): unknown {
  const recording = JSON.parse(sampleText(name)) as { body?: unknown; response?: { body: unknown } };
  return recording.response ? recording.response.body : recording.body;
}

/** The body of the request that led to a recorded answer. */
export function sampleRequest(name: string): unknown {
  return (JSON.parse(sampleText(name)) as { request: { body: unknown } }).request.body;
}
