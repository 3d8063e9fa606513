import type { Agent, AgentFields, AgentType, JsonObject } from '../domain/agent';
import { AppError } from '../domain/errors';
import type { ModelDirectory, ModelInfo } from '../domain/model';
import {
  changedModelDocuments,
  changesModel,
  compactionDocument,
  defaultModelDocuments,
  type ModelFields,
  preferredSummarizer,
  requestedHandle,
} from './wire/agent-model';
import { toEmbeddingConfig } from './wire/model';
import { resolveModel, rethrowPrefixed } from './resolve-model';

type ModelPart = Pick<
  AgentFields,
  'model' | 'llmConfig' | 'modelSettings' | 'responseFormat' | 'compactionSettings'
>;
type EmbeddingPart = Pick<AgentFields, 'embedding' | 'embeddingConfig'>;

/** What a creation says about the agent's model. The handle must name a model that a provider offers. */
export async function chooseModel(
  models: ModelDirectory,
  body: ModelFields,
  agentType: AgentType,
): Promise<ModelPart> {
  const handle = requestedHandle(body);
  if (handle === null) {
    throw new AppError(
      'INVALID_ARGUMENT',
      'INVALID_ARGUMENT: Must specify either model or llm_config in request',
    );
  }
  const model = await resolveModel(models, handle);
  const documents = changedModelDocuments(defaultModelDocuments(model, agentType), body, {
    model,
    agentType,
  });
  const summarizer = await summarizerFor(models, model);
  return {
    model: model.handle,
    ...documents,
    compactionSettings: compactionDocument(summarizer, body.compaction_settings),
  };
}

/**
 * How an update changes an agent's model. Asks the providers at once; what it returns is applied to the agent as it is
 * when the caller has locked it, so that no provider is waited for under a lock and no concurrent update is lost.
 */
export async function prepareModelChange(
  models: ModelDirectory,
  body: ModelFields,
  currentHandle: string,
): Promise<(agent: Agent) => Partial<ModelPart>> {
  const handle = requestedHandle(body);
  const model = changesModel(body) ? await resolveModel(models, handle ?? currentHandle) : null;
  return (agent) => {
    if (model && handle === null && agent.model !== model.handle) throw modelReplaced(agent);
    const documents = model && changedModelDocuments(agent, body, { model, agentType: agent.agentType });
    const { compaction_settings: compaction } = body;
    return {
      ...(model && { model: model.handle, ...documents }),
      ...(compaction && {
        compactionSettings: compactionDocument(agent.model, compaction, agent.compactionSettings),
      }),
    };
  };
}

const modelReplaced = (agent: Agent): AppError =>
  new AppError(
    'CONFLICT',
    `CONFLICT: agent ${agent.id} was given another model meanwhile; send the request again`,
    {
      facts: { isTransient: true },
    },
  );

/** What a request says about the embedding model; nothing when it says nothing. An unknown handle is a 400. */
export async function chooseEmbedding(
  models: ModelDirectory,
  body: {
    readonly embedding?: string | null | undefined;
    readonly embedding_config?: JsonObject | null | undefined;
  },
): Promise<Partial<EmbeddingPart>> {
  const { embedding, embedding_config: config } = body;
  if (typeof embedding === 'string') {
    const model = await models.resolveEmbedding(embedding).catch(rethrowAsArgument);
    return { embedding: model.handle, embeddingConfig: toEmbeddingConfig(model) };
  }
  if (!config) return {};
  return {
    embedding: typeof config['handle'] === 'string' ? config['handle'] : null,
    embeddingConfig: config,
  };
}

// Unlike a model, an embedding model that does not exist is the argument's fault.
function rethrowAsArgument(error: unknown): never {
  const isUnknown = error instanceof AppError && error.code === 'NOT_FOUND';
  const reason = isUnknown ? error.message.replace(/^NOT_FOUND: /, '') : '';
  rethrowPrefixed(isUnknown ? new AppError('INVALID_ARGUMENT', reason, { cause: error }) : error);
}

async function summarizerFor(models: ModelDirectory, model: ModelInfo): Promise<string> {
  const preferred = preferredSummarizer(model);
  if (preferred === null) return model.handle;
  const offered = await models.list();
  return offered.some(({ handle }) => handle === preferred) ? preferred : model.handle;
}
