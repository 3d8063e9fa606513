import pino, { type DestinationStream } from 'pino';
import type { LogLevel } from './config';

export type { Logger } from 'pino';

const SECRETS = [
  'authorization',
  '["x-bare-password"]',
  'password',
  'apiKey',
  'api_key',
  'secrets',
  'databaseUrl',
];
const paths = SECRETS.flatMap((name) =>
  ['', '*', '*.*'].map((parent) =>
    name.startsWith('[') || parent === '' ? `${parent}${name}` : `${parent}.${name}`,
  ),
);

/**
 * A logger on stderr: one readable line per event on a terminal, one JSON object per line elsewhere. Passwords, keys
 * and authorization headers are never written.
 */
export function createLogger(
  level: LogLevel,
  destination: DestinationStream = defaultDestination(),
): pino.Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths, censor: '[secret]' },
      serializers: { err: toLoggedError },
    },
    destination,
  );
}

// A tool may throw an error of any size, and a line is written before anything else goes on.
const LONGEST_TEXT = 10_000;

/** What a line says of an error. Drivers hang whole connections on theirs: those stay out, and so does the rest of a long text. */
function toLoggedError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = 'code' in error ? error.code : undefined;
  const cause = error.cause instanceof Error ? cut(error.cause.message) : undefined;
  return { type: error.name, code, message: cut(error.message), cause, stack: cut(error.stack) };
}

const cut = (text: unknown): unknown =>
  typeof text === 'string' && text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)} ...` : text;

function defaultDestination(): DestinationStream {
  const stderr = pino.destination({ dest: 2, sync: true });
  if (!process.stderr.isTTY) return stderr;
  return { write: (line) => stderr.write(`${toText(line)}\n`) };
}

/** One JSON log line as a person reads it: time, level, message, then the fields. */
export function toText(line: string): string {
  const parsed: unknown = JSON.parse(line);
  const { time, level, msg, err, ...fields } = parsed as Record<string, unknown>; // pino wrote it: always an object
  const clock = String(time).slice(11, 19);
  const pairs = Object.entries(fields).map(([name, value]) => `${name}=${asText(value)}`);
  const stack = isObject(err) ? `\n${asText(err['stack'] ?? err['message'])}` : '';
  return [clock, String(level).padEnd(5), asText(msg ?? ''), ...pairs].join(' ') + stack;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
const asText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
