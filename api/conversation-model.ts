import type { Agent, JsonObject } from '../domain/agent';
import type { ModelDirectory } from '../domain/model';
import { resolveModel } from './resolve-model';
import { changedModelDocuments, type ModelFields } from './wire/agent-model';

/** The model that a conversation has for itself; all null where it is the agent's. */
export interface ConversationModel {
  readonly model: string | null;
  readonly modelSettings: JsonObject | null;
  readonly llmConfig: JsonObject | null;
}

/**
 * What a conversation's turns are to work from: the agent's documents, changed as an update of the agent would change them.
 * They are kept, so that a later change of the agent leaves the conversation as it is.
 */
export async function conversationModel(
  models: ModelDirectory,
  agent: Agent,
  { model, model_settings: settings }: Pick<ModelFields, 'model' | 'model_settings'>,
): Promise<ConversationModel> {
  if (!model && !settings) return { model: null, modelSettings: null, llmConfig: null };
  const info = await resolveModel(models, model ?? agent.model);
  const { llmConfig } = changedModelDocuments(
    agent,
    { model: info.handle, model_settings: settings },
    { model: info, agentType: agent.agentType },
  );
  return { model: model ? info.handle : null, modelSettings: settings ?? null, llmConfig };
}
