import { createHash, randomUUID } from 'node:crypto';
import type { IdPrefix } from './domain/ids';

/** A fresh id in Letta's form, `PREFIX-<uuid4>`. */
export const newId = <P extends IdPrefix>(prefix: P): `${P}-${string}` => `${prefix}-${randomUUID()}`;

/**
 * An id that is a function of its seed: the same seed gives the same id in every process and attempt, so a repeated
 * write meets its own row. The digest is written in uuid4 form because Letta's clients validate that form.
 */
export function derivedId<P extends IdPrefix>(
  prefix: P,
  ...seed: readonly (string | number)[]
): `${P}-${string}` {
  const hex = createHash('sha256').update(seed.join('/')).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  const uuid = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  return `${prefix}-${uuid}`;
}
