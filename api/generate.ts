import { setTimeout as sleep } from 'node:timers/promises';
import { toSettings } from '../db/open-step';
import { getAgent } from '../db/agents';
import type { JsonObject } from '../domain/agent';
import { AppError, isRetryable } from '../domain/errors';
import type { ModelReply, ModelRequest, ToolSpec } from '../domain/model';
import { textOf } from '../domain/prompt';
import type { ApiDeps } from './deps';
import { resolveModel } from './resolve-model';
import { defaultModelDocuments } from './wire/agent-model';
import type { GenerateBody } from './wire/generate';

const SYSTEM = 'Answer the user.';
const STRUCTURED = 'structured_output';
const TRIES = 3;
const MAX_PAUSE_MS = 10_000;

export interface Completion {
  readonly content: string;
  /** As its provider names it. */
  readonly model: string;
  readonly usage: ModelReply['usage'];
}

/**
 * Asks an agent's model, or another one, something outside of any turn. Nothing is stored, so nothing survives a crash:
 * the client asks again.
 */
export async function generate(
  { db, models, modelClient }: Pick<ApiDeps, 'db' | 'models' | 'modelClient'>,
  agentId: string,
  body: GenerateBody,
  signal: AbortSignal,
): Promise<Completion> {
  const agent = await getAgent(db, agentId);
  const other = body.override_model ? await resolveModel(models, body.override_model) : null;
  const config = other ? defaultModelDocuments(other, agent.agentType).llmConfig : agent.llmConfig;
  const { info, client } = await modelClient(other?.handle ?? agent.model);
  const request = toRequest(info.name, config, body);
  const reply = await retried(() => client.complete(request, { signal }), signal);
  return { content: contentOf(reply), model: info.name, usage: reply.usage };
}

function toRequest(model: string, config: JsonObject, body: GenerateBody): ModelRequest {
  const tool = body.response_schema ? answerTool(body.response_schema) : null;
  return {
    model,
    messages: [
      { role: 'system', text: body.system_prompt ?? SYSTEM },
      { role: 'user', parts: [{ type: 'text', text: body.prompt }] },
    ],
    tools: tool ? [tool] : [],
    toolChoice: tool ? { name: tool.name } : 'none',
    parallelToolCalls: false,
    settings: toSettings(config, null),
  };
}

/** A tool that is never run: its arguments are the answer. */
function answerTool({ properties, required, ...schema }: JsonObject): ToolSpec {
  const fields = properties ?? {};
  return {
    name: STRUCTURED,
    description: 'Gives the answer in the form that was asked for.',
    parameters: { ...schema, type: 'object', properties: fields, required: required ?? Object.keys(fields) },
  };
}

function contentOf({ parts }: ModelReply): string {
  const call = parts.find((part) => part.type === 'tool_call');
  return call?.arguments ?? textOf(parts.filter((part) => part.type === 'text'));
}

async function retried<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let n = 1; ; n++) {
    try {
      return await ask();
    } catch (error) {
      const isWorthIt = error instanceof AppError && isRetryable(error.code) && n < TRIES && !signal.aborted;
      if (!isWorthIt) throw error;
      await sleep(Math.min(error.retryAfterMs ?? 250 * 2 ** n, MAX_PAUSE_MS));
    }
  }
}
