import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { workflowInfo } from '@temporalio/workflow';
import type { TurnInput } from '../domain/turn';
import { turnAttributes } from '../domain/turn-attributes';

/** A turn's search attributes, for a workflow that has some itself: otherwise the namespace may not know them. */
export function searchAttributesOf(turn: TurnInput) {
  if (workflowInfo().typedSearchAttributes.getAll().length === 0) return {};
  const typedSearchAttributes = Object.entries(turnAttributes(turn)).map(([name, value]) => ({
    key: defineSearchAttributeKey(name, SearchAttributeType.KEYWORD),
    value,
  }));
  return { typedSearchAttributes };
}
