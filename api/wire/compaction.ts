import { z } from 'zod';
import type { CompactionTrigger } from '../../domain/compaction';
import { derivedId } from '../../new-id';
import type { CompactionPart, Message, MessagePart } from '../../domain/message';
import { compactionFields } from './agent-model';
import { toWireSeconds } from './dates';
import type { WireMessage, WireMessageBody } from './message-types';

/** Body of the routes that make a context smaller. */
export const CompactBody = z.object({
  agent_id: z.string().nullish(),
  compaction_settings: compactionFields.nullish(),
});

const statsIn = (parts: readonly MessagePart[]): CompactionPart | undefined =>
  parts.find((part) => part.type === 'compaction');

/** `summary_message`: what a client sees of a summary that it wanted to hear of. */
export function toWireSummary(parts: readonly MessagePart[]): WireMessageBody {
  const stats = statsIn(parts);
  return {
    summary: parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n'),
    compaction_stats: stats
      ? {
          trigger: stats.trigger,
          context_tokens_before: stats.tokensBefore,
          context_tokens_after: stats.tokensAfter,
          context_window: stats.contextWindow,
          messages_count_before: stats.messagesBefore,
          messages_count_after: stats.messagesAfter,
        }
      : null,
  };
}

/** `event_message`: a context is about to be summarized. */
export const toWireCompactionEvent = (event: {
  readonly messageId: string;
  readonly at: Date;
  readonly stepId: string | null;
  readonly runId: string | null;
  readonly seqId: number | null;
  readonly trigger: CompactionTrigger;
  readonly contextTokens: number | null;
  readonly contextWindow: number | null;
}): WireMessage => ({
  id: event.messageId,
  date: toWireSeconds(event.at),
  name: null,
  message_type: 'event_message',
  otid: null,
  sender_id: null,
  step_id: event.stepId,
  is_err: null,
  seq_id: event.seqId,
  run_id: event.runId,
  event_type: 'compaction',
  event_data: {
    trigger: event.trigger,
    context_token_estimate: event.contextTokens,
    context_window: event.contextWindow,
  },
});

/** The event in front of a told summary, for answers that were not streamed; none for any other message. */
export function eventBefore(message: Message): readonly WireMessage[] {
  const stats = statsIn(message.parts);
  if (!stats?.isTold) return [];
  return [
    toWireCompactionEvent({
      messageId: derivedId('message', message.id, 'event'),
      at: message.createdAt,
      stepId: message.stepId,
      runId: message.runId,
      seqId: null,
      trigger: stats.trigger,
      contextTokens: stats.tokensBefore,
      contextWindow: stats.contextWindow,
    }),
  ];
}
