import { APIError, type OpenAI } from 'openai';
import type { ResponseStreamEvent } from 'openai/resources/responses/responses';
import { AppError } from '../../domain/errors';
import type { ModelReply, ResumableResponse } from '../../domain/model';
import type { ChatReplyOptions } from './chat-response';
import { readResponsesStream } from './responses-response';

interface Listening {
  readonly resumable: ResumableResponse;
  /** Its reason tells a cancelled run, which ends the response, from a worker that goes away, which does not. */
  readonly caller: AbortSignal;
  readonly signal: AbortSignal;
  readonly reader: ChatReplyOptions;
}

/**
 * A response that OpenAI goes on with while nobody listens. One that was begun is listened to again from its first
 * event, as OpenAI keeps and numbers them: the whole reply is rebuilt without asking anew. A cancelled run cancels it.
 */
export async function readBackgroundResponse(
  sdk: OpenAI,
  begin: () => Promise<AsyncIterable<ResponseStreamEvent>>,
  { resumable, caller, signal, reader }: Listening,
): Promise<ModelReply> {
  let id = resumable.begunId;
  const isAgain = id !== undefined;
  try {
    const stream =
      id === undefined
        ? await begin()
        : await sdk.responses.retrieve(id, { stream: true, include: [...INCLUDE] }, { signal });
    return await readResponsesStream(announced(stream), reader);
  } catch (error) {
    if (id !== undefined && caller.aborted && isCancelled(caller)) endQuietly(sdk, id);
    if (!isAgain || id === undefined || signal.aborted || !(await isLost(sdk, id, signal))) throw error;
    throw new AppError(
      'MODEL_UNAVAILABLE',
      `${reader.label} does not have the response ${id} any more. Try again.`,
      {
        cause: error,
        facts: { isLost: true },
      },
    );
  }

  async function* announced(stream: AsyncIterable<ResponseStreamEvent>): AsyncGenerator<ResponseStreamEvent> {
    for await (const event of stream) {
      if (event.type === 'response.created' && id === undefined) {
        id = event.response.id;
        await resumable.onBegin(id);
      }
      yield event;
    }
  }
}

const INCLUDE = ['reasoning.encrypted_content'] as const;
const ALIVE: readonly unknown[] = ['queued', 'in_progress', 'completed', 'incomplete'];

const isCancelled = ({ reason }: AbortSignal): boolean =>
  reason instanceof AppError && reason.code === 'CANCELLED';

/** Nobody waits for this: a response that can't be cancelled ends by itself and costs its tokens. */
function endQuietly(sdk: OpenAI, id: string): void {
  void sdk.responses.cancel(id, { timeout: 5_000 }).catch(() => undefined);
}

async function isLost(sdk: OpenAI, id: string, signal: AbortSignal): Promise<boolean> {
  try {
    const { status } = await sdk.responses.retrieve(id, {}, { signal });
    return !ALIVE.includes(status);
  } catch (error) {
    return error instanceof APIError && (error.status === 404 || error.status === 400);
  }
}
