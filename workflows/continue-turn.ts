import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { makeContinueAsNewFunc, workflowInfo } from '@temporalio/workflow';
import type { TurnInput } from '../domain/turn';
import { turnAttributes } from '../domain/turn-attributes';
import type { agentTurn } from './agent-turn';

/**
 * Goes on under the same workflow id, so that the conversation's lock is never free in between: with the next message,
 * or with the same turn once its history has grown long. A turn started without search attributes (the namespace may
 * not have them) continues without.
 */
export function continueTurn(turn: TurnInput): Promise<never> {
  const ids = turnAttributes(turn);
  const isSearchable = workflowInfo().typedSearchAttributes.getAll().length > 0;
  const typedSearchAttributes = Object.entries(ids).map(([name, value]) => ({
    key: defineSearchAttributeKey(name, SearchAttributeType.KEYWORD),
    value,
  }));
  return makeContinueAsNewFunc<typeof agentTurn>({
    memo: ids,
    ...(isSearchable && { typedSearchAttributes }),
  })(turn);
}
