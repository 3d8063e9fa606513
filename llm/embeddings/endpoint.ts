import OpenAI from 'openai';
import { AppError } from '../../domain/errors';
import { checkVector } from '../../domain/vector';
import { classifyError, type FailureContext } from '../classify-error';
import { isRecord } from '../is-record';
import type { Provider } from '../providers';

/** Where embeddings are asked for. */
export type EmbeddingServer = Pick<Provider, 'name' | 'label' | 'keyName' | 'apiKey' | 'baseUrl'>;

/** One request for embeddings, never repeated here. */
export interface EmbeddingEndpoint {
  embed(
    model: string,
    texts: readonly string[],
    options: { readonly dimensions: number | null; readonly signal: AbortSignal },
  ): Promise<readonly Float32Array[]>;
  /** The names of the models that the server lists. */
  models(signal: AbortSignal): Promise<readonly string[]>;
}

/** Any server that speaks OpenAI's /embeddings. Vectors that are not finite numbers of the right count are refused. */
export function createEmbeddingEndpoint(server: EmbeddingServer, timeoutMs: number): EmbeddingEndpoint {
  const { label, keyName, apiKey, baseUrl } = server;
  // The library reads OPENAI_* variables for whatever is left out, so nothing is left out.
  const sdk = new OpenAI({
    apiKey: apiKey ?? 'none',
    baseURL: baseUrl,
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    maxRetries: 0,
    timeout: timeoutMs,
    logLevel: 'off',
  });
  const failure = (model: string): FailureContext => ({
    label,
    keyName,
    model,
    secrets: apiKey === null ? [] : [apiKey],
  });

  return {
    async embed(model, texts, { dimensions, signal }) {
      // Not every server knows base64, which the library asks for by itself.
      const body = { model, input: [...texts], encoding_format: 'float' as const };
      try {
        // The library never takes its listener off a signal; one that lives as long as the process would collect them.
        const answer: unknown = await sdk.embeddings.create(body, { signal: AbortSignal.any([signal]) });
        return readVectors(answer, texts.length, { dimensions, from: `${server.name}/${model}` });
      } catch (error) {
        if (signal.aborted && signal.reason instanceof AppError) throw signal.reason;
        throw classifyError(error, failure(model));
      }
    },
    async models(signal) {
      const names: string[] = [];
      for await (const { id } of sdk.models.list({ signal })) names.push(id);
      return names;
    },
  };
}

/** The vectors of an answer, in the order of the texts. */
function readVectors(
  answer: unknown,
  count: number,
  { dimensions, from }: { readonly dimensions: number | null; readonly from: string },
): readonly Float32Array[] {
  const data = isRecord(answer) && Array.isArray(answer['data']) ? answer['data'].filter(isRecord) : [];
  if (data.length !== count) {
    throw new AppError(
      'MODEL_INVALID_RESPONSE',
      `Embedding model ${from} answered ${count} texts with ${data.length} vectors.`,
    );
  }
  const places = data.map((item, place) => (typeof item['index'] === 'number' ? item['index'] : place));
  return data.map((_, place) => checkVector(data[places.indexOf(place)]?.['embedding'], dimensions, from));
}
