import { makeContinueAsNewFunc } from '@temporalio/workflow';
import type { TurnInput } from '../domain/turn';
import { turnAttributes } from '../domain/turn-attributes';
import type { agentTurn } from './agent-turn';
import { searchAttributesOf } from './search-attributes';

/**
 * Goes on under the same workflow id, so that the conversation's lock is never free in between: with the next message,
 * or with the same turn once its history has grown long.
 */
export const continueTurn = (turn: TurnInput): Promise<never> =>
  makeContinueAsNewFunc<typeof agentTurn>({ memo: turnAttributes(turn), ...searchAttributesOf(turn) })(turn);
