import { AppError } from '../domain/errors';
import type { ModelDirectory, ModelInfo } from '../domain/model';

/** The model a client named. What is wrong with the name is said with Letta's prefix for the code. */
export async function resolveModel(models: ModelDirectory, handle: string): Promise<ModelInfo> {
  return models.resolve(handle).catch(rethrowPrefixed);
}

/** Letta's clients see the kind of failure in front of the text. */
export function rethrowPrefixed(error: unknown): never {
  if (!(error instanceof AppError) || error.message.startsWith(`${error.code}: `)) throw error;
  throw new AppError(error.code, `${error.code}: ${error.message}`, { cause: error, facts: error.facts });
}
