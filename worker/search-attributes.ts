import type { NativeConnection } from '@temporalio/worker';
import { TURN_ATTRIBUTES } from '../domain/turn-attributes';

/**
 * Whether the namespace has the search attributes of a turn. Where it has not, ids are kept in the memo: turns run the
 * same, but operators find them by workflow id only.
 */
export async function hasTurnAttributes(
  connection: NativeConnection,
  namespace: string,
  log: { info(facts: object, message: string): void },
): Promise<boolean> {
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    const missing = TURN_ATTRIBUTES.filter((name) => !(name in customAttributes));
    if (missing.length === 0) return true;
    log.info(
      { missing },
      'turns are not searchable by id; run: temporal operator search-attribute create ' +
        TURN_ATTRIBUTES.map((name) => `--name ${name} --type Keyword`).join(' '),
    );
    return false;
  } catch (error) {
    // Temporal Cloud does not offer this call; the memo is enough.
    log.info({ err: error }, "the namespace's search attributes can't be listed; ids are kept in the memo");
    return false;
  }
}
