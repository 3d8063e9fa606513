import { Router } from 'express';
import { getAgent } from '../../db/agents';
import { toAppError } from '../../domain/run-error';
import { answerRun } from '../blocking-answer';
import type { ApiDeps } from '../deps';
import { streamRun } from '../run-stream';
import { sendTurn } from '../send-turn';
import {
  agentOf,
  ChatCompletionBody,
  createChunks,
  lastOfUser,
  toChatCompletion,
} from '../wire/chat-completion';
import { SendMessageBody } from '../wire/turn-request';
import { parseBody } from '../wire/validation';

/** An agent as a model of OpenAI's chat completions, for clients that speak nothing else. */
export function chatCompletionRoutes(deps: ApiDeps): Router {
  const router = Router();

  router.post('/chat/completions', async (req, res) => {
    const asked = parseBody(ChatCompletionBody, req.body);
    const agentId = agentOf(asked);
    const isStream = asked.stream === true;
    const body = parseBody(SendMessageBody, {
      messages: [{ role: 'user', content: lastOfUser(asked) }],
      streaming: isStream,
      stream_tokens: isStream,
    });
    const agent = await getAgent(deps.db, agentId);
    const thread = { agentId, conversationId: agentId };
    const sending = {
      thread,
      kind: 'chat',
      runType: 'openai_chat_completions',
      whenBusy: 'enqueue',
    } as const;
    const turn = await sendTurn(deps, req, { ...sending, body });
    const head = {
      runId: turn.id,
      model: agent.model.split('/').slice(1).join('/'),
      createdAt: turn.createdAt,
    };
    if (isStream) {
      const options = { startingAfter: 0, includePings: false, show: createChunks(head) };
      await Promise.all([turn.start(), streamRun(deps, res, turn, options)]);
      return;
    }
    await answerRun(deps, { res, turn }, (result, isBegun) => {
      const error = result.run.status === 'failed' ? result.run.error : null;
      if (error && !isBegun) throw toAppError(error);
      const completion = toChatCompletion(head, result);
      return error ? { ...completion, error: { message: error.message, type: error.errorType } } : completion;
    });
  });

  return router;
}
