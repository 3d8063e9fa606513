import { z } from 'zod';
import { AppError } from '../domain/errors';
import { classifyError } from './classify-error';
import { fetchListing } from './listing';
import { publicAddress, type Provider } from './providers';

/** Asks a provider for its models to see whether address and key are good. A failure is a `MODEL_*` error. */
export async function checkProvider(provider: Provider, timeoutMs: number): Promise<void> {
  try {
    await fetchListing(provider, timeoutMs);
  } catch (error) {
    throw checkFailure(error, provider);
  }
}

// What a server answers that is none of the kind.
const NO_LIST: readonly string[] = ['MODEL_NOT_FOUND', 'MODEL_INVALID_RESPONSE', 'MODEL_BAD_REQUEST'];

function checkFailure(error: unknown, { label, keyName, apiKey, baseUrl }: Provider): AppError {
  const secrets = apiKey === null ? [] : [apiKey];
  const failure = classifyError(error, { label, keyName, model: 'the list of models', secrets });
  const address = publicAddress(baseUrl);
  if (error instanceof z.ZodError || NO_LIST.includes(failure.code)) {
    const status = failure.facts['status'];
    const answer = typeof status === 'number' ? `status ${status}` : 'something else';
    return new AppError(
      'MODEL_UNAVAILABLE',
      `${label} has no list of models at ${address}/models: it answered ${answer}. Check base_url.`,
    );
  }
  return new AppError(failure.code, `${failure.message} Its list of models was asked for at ${address}.`, {
    facts: failure.facts,
    ...(failure.retryAfterMs !== undefined && { retryAfterMs: failure.retryAfterMs }),
  });
}
