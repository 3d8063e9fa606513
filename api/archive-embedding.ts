import { type ArchiveFields, dimensionsOf } from '../domain/archive';
import type { JsonObject } from '../domain/agent';
import { AppError } from '../domain/errors';
import type { ModelDirectory } from '../domain/model';
import { chooseEmbedding } from './agent-model';
import { toEmbeddingConfig } from './wire/model';

type EmbeddingPart = Pick<ArchiveFields, 'embedding' | 'embeddingConfig'>;
interface EmbeddingBody {
  readonly embedding?: string | null | undefined;
  readonly embedding_config?: JsonObject | null | undefined;
}

/** The embedding model of a new archive: the one asked for, else the server's default, else none. */
export async function archiveEmbedding(models: ModelDirectory, body: EmbeddingBody): Promise<EmbeddingPart> {
  const asked = await changedEmbedding(models, body);
  return {
    embedding: null,
    embeddingConfig: null,
    ...(asked.embeddingConfig ? asked : await defaultEmbedding(models)),
  };
}

/**
 * What a request says about the embedding model; nothing when it says nothing. A configuration must name a model that is
 * offered, with the numbers that its vectors have: others could never be compared.
 */
export async function changedEmbedding(
  models: ModelDirectory,
  body: EmbeddingBody,
): Promise<Partial<EmbeddingPart>> {
  const { embedding_config: config } = body;
  if (typeof body.embedding === 'string' || !config) return chooseEmbedding(models, body);
  const handle =
    textAt(config, 'handle') ??
    `${textAt(config, 'embedding_endpoint_type') ?? ''}/${textAt(config, 'embedding_model') ?? ''}`;
  const chosen = await chooseEmbedding(models, { embedding: handle });
  const [asked, known] = [config['embedding_dim'], dimensionsOf(chosen.embeddingConfig ?? null)];
  if (asked !== undefined && asked !== known) {
    throw new AppError(
      'INVALID_ARGUMENT',
      `INVALID_ARGUMENT: embedding_dim is ${JSON.stringify(asked)}, but ${handle} gives vectors of ${known ?? 'unknown'} numbers. ` +
        'Leave embedding_config out and name the model in `embedding`.',
    );
  }
  return chosen;
}

const textAt = (config: JsonObject, key: string): string | null => {
  const value = config[key];
  return typeof value === 'string' ? value : null;
};

/** What embeds where nobody chose a model; nothing when the server has no model of its own for it. */
export async function defaultEmbedding(models: ModelDirectory): Promise<Partial<EmbeddingPart>> {
  const model = await models.defaultEmbedding();
  return model ? { embedding: model.handle, embeddingConfig: toEmbeddingConfig(model) } : {};
}
