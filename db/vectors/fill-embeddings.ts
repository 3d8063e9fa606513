import type { EmbeddingTarget } from '../../domain/embedder';
import { type FillDeps, fillDueEmbeddings } from './due-embeddings';
import { enqueueMessages, MESSAGES_DUE } from './message-embeddings';
import { FILE_PASSAGES_DUE, PASSAGES_DUE } from './passage-embeddings';
import { enqueueTools, toolsDue } from './tool-embeddings';

/**
 * One batch of whatever lacks its vector: passages, files, messages, tools. False when there was nothing to do. `fallback` is the
 * server's own model, for tools and for agents that have none; null while there is none or it can't be asked.
 */
export async function fillEmbeddings(
  deps: FillDeps,
  fallback: EmbeddingTarget | null,
  signal: AbortSignal,
): Promise<boolean> {
  const sources = [PASSAGES_DUE, FILE_PASSAGES_DUE, MESSAGES_DUE, ...(fallback ? [toolsDue(fallback)] : [])];
  let hasWork = false;
  for (const source of sources) hasWork = (await fillDueEmbeddings(deps, source, signal)) || hasWork;
  if (hasWork) return true;
  const messages = await enqueueMessages(deps.pool, fallback);
  const tools = fallback ? await enqueueTools(deps.pool, fallback) : 0;
  return messages + tools > 0;
}
