import { checkPassageText, cleanTags } from '../../../domain/archive';
import { derivedId } from '../../../new-id';
import { optionalTexts, textArgument, type TransactionalHandler } from '../../handler';

/** Stores a passage under an id that the call's key gives: the same call never stores a second one. */
export const archivalMemoryInsert: TransactionalHandler = () =>
  Promise.resolve((args, { idempotencyKey }) => {
    const text = textArgument(args, 'content');
    checkPassageText(text);
    const passage = {
      id: derivedId('passage', idempotencyKey),
      text,
      tags: cleanTags(optionalTexts(args, 'tags') ?? []),
      metadata: {},
      createdAt: null,
    };
    return async (memory) => {
      await memory.insertPassage(passage);
      return 'None';
    };
  });
