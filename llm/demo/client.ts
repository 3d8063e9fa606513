import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '../../domain/errors';
import type { ModelClient, ModelRequest } from '../../domain/model';
import { estimateUsage, ReplyBuilder } from '../reply-builder';
import { decide } from './decide';
import { DEMO_MODEL } from './model';

/** The scripted model behind `everturn/demo`: in process, deterministic, streamed word by word. */
export function createDemoClient({ delayMs = 0 }: { readonly delayMs?: number } = {}): ModelClient {
  return {
    preview: ({ model, messages, tools, toolChoice }) =>
      Promise.resolve({ model, messages, tools, tool_choice: toolChoice }),
    complete: async (request, { signal, onEvent }) => {
      const reply = new ReplyBuilder({
        provider: DEMO_MODEL.providerName,
        label: 'The demo model',
        seed: seedOf(request),
        ...(onEvent && { onEvent }),
      });
      const step = async (emit: () => void): Promise<void> => {
        if (delayMs > 0 && !signal.aborted)
          await pause(delayMs, undefined, { signal }).catch(() => undefined);
        if (signal.aborted) throw new AppError('CANCELLED', 'The call to the demo model was cancelled.');
        emit();
      };
      const decision = decide(request);
      if (decision.type === 'say') {
        const index = reply.openText();
        for (const word of decision.text.match(/\S+\s*/g) ?? []) {
          await step(() => {
            reply.appendText(index, word);
          });
        }
      } else {
        for (const call of decision.calls) {
          await step(() => {
            const index = reply.openCall({ id: '', name: call.tool });
            reply.appendArguments(index, JSON.stringify(call.arguments));
          });
        }
      }
      const usage = estimateUsage(JSON.stringify([request.messages, request.tools]).length, reply.characters);
      return reply.finish({ finishReason: 'stop', usage, responseId: null });
    },
  };
}

/** Call ids differ from step to step and are the same for the same conversation. */
const seedOf = ({ messages }: ModelRequest): string =>
  createHash('sha256').update(JSON.stringify(messages)).digest('hex');
