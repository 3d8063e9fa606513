import { toolError } from '../../../domain/tool-failure';
import type { ToolArguments } from '../../../domain/tool-arguments';
import { integerArgument, optionalText, optionalTexts, textArgument, type ReadHandler } from '../../handler';
import { webFailure } from '../../web/failures';

export interface WebSearchDeps {
  /** The server's key; an agent's own EXA_API_KEY secret comes first. */
  readonly exaApiKey: string | null;
  readonly exaBaseUrl?: string;
  readonly timeoutMs?: number;
}

const NUM_RESULTS = { fallback: 10, min: 1, max: 100 };
const MAX_BYTES = 20_000_000;

/** Searches with Exa and returns `{query, results}` as JSON text. The key appears in no message. */
export function createWebSearch({
  exaApiKey,
  exaBaseUrl = 'https://api.exa.ai',
  timeoutMs = 30_000,
}: WebSearchDeps): ReadHandler {
  return async (args, context) => {
    const key = [context.secrets['EXA_API_KEY'], exaApiKey].map((value) => value?.trim()).find(Boolean);
    if (key === undefined) {
      throw toolError(
        'ValueError',
        'web_search needs an Exa API key and none is configured. Ask the user to set the secret EXA_API_KEY on this ' +
          'agent, or the environment variable EXA_API_KEY on the server.',
      );
    }
    const timedOut = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(`${exaBaseUrl}/search`, {
        method: 'POST',
        redirect: 'error',
        headers: { 'x-api-key': key, 'content-type': 'application/json' },
        body: JSON.stringify(toExaRequest(args)),
        signal: AbortSignal.any([context.signal, timedOut]),
      });
      const text = await readText(response);
      if (!response.ok) throw exaRefusal(response.status, text);
      return JSON.stringify({ query: textArgument(args, 'query'), results: toResults(text) }, null, 2);
    } catch (error) {
      throw webFailure(error, { place: 'The search service Exa', cancelled: context.signal, timedOut });
    }
  };
}

function toExaRequest(args: ToolArguments): Readonly<Record<string, unknown>> {
  const query = textArgument(args, 'query');
  return {
    query,
    type: 'auto',
    numResults: integerArgument(args, 'num_results', NUM_RESULTS),
    category: optionalText(args, 'category') ?? undefined,
    includeDomains: optionalTexts(args, 'include_domains') ?? undefined,
    excludeDomains: optionalTexts(args, 'exclude_domains') ?? undefined,
    startPublishedDate: optionalText(args, 'start_published_date') ?? undefined,
    endPublishedDate: optionalText(args, 'end_published_date') ?? undefined,
    userLocation: optionalText(args, 'user_location') ?? undefined,
    contents: { text: args['include_text'] === true, highlights: { query }, summary: { query } },
  };
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // A response's body is a stream of bytes; its type leaves that open.
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > MAX_BYTES)
      throw toolError(
        'ValueError',
        'The search service Exa answered with too much data. Ask for fewer results.',
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function exaRefusal(status: number, text: string): Error {
  const advice: Readonly<Record<number, string>> = {
    401: 'The API key was not accepted: EXA_API_KEY must be corrected.',
    402: 'The Exa account has no credits left.',
    403: 'The API key may not do this.',
    429: 'Too many searches at once: wait before the next one.',
  };
  const said = errorText(text);
  const detail = advice[status] ?? (status >= 500 ? 'The service has a problem: try again later.' : '');
  return toolError(
    'ConnectionError',
    [`The search service Exa answered with HTTP status ${status}.`, detail, said].join(' ').trim(),
  );
}

function errorText(text: string): string {
  const body = parseJson(text);
  const error = isRecord(body) ? (body['error'] ?? body['message']) : null;
  return typeof error === 'string' ? `It says: ${error.slice(0, 300)}` : '';
}

function toResults(text: string): readonly unknown[] {
  const body = parseJson(text);
  const results = isRecord(body) ? body['results'] : null;
  if (!Array.isArray(results))
    throw toolError('ValueError', 'The search service Exa answered with something that is no search result.');
  return results.filter(isRecord).map((hit) => ({
    title: hit['title'] ?? null,
    url: hit['url'] ?? null,
    published_date: hit['publishedDate'] ?? null,
    author: hit['author'] ?? null,
    ...(typeof hit['text'] === 'string' && { text: hit['text'] }),
    highlights: hit['highlights'] ?? [],
    summary: hit['summary'] ?? null,
  }));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Callers say what they expected instead.
    return null;
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
