import type { ModelClient } from '../domain/model';
import type { SerializedPrompts } from './serialized-prompts';

/**
 * A client whose prompts another library serializes, or nobody: their prints are taken of what that library is given, in
 * our own JSON.
 */
export const printed = (client: ModelClient, prompts: SerializedPrompts): ModelClient => ({
  complete: async (request, options) => {
    const reply = await client.complete(request, options);
    if (request.conversationId === undefined) return reply;
    const { print } = prompts.serialize(`own/${request.conversationId}`, {
      head: JSON.stringify([request.model, request.tools]),
      messages: request.messages,
      write: (messages, index) => JSON.stringify(messages[index]),
    });
    return { ...reply, prompt: print };
  },
  preview: (request) => client.preview(request),
});
