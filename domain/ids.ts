/** Letta's id prefixes (`letta/schemas/enums.py`). Folders are `source`, conversations `conv`. */
export type IdPrefix =
  | 'agent' | 'message' | 'run' | 'job' | 'group' | 'block' | 'file' | 'source' | 'tool' | 'archive' | 'passage'
  | 'provider' | 'model' | 'sandbox' | 'step' | 'identity' | 'conv' | 'mcp_server' | 'user' | 'org'; // prettier-ignore

const UUID4 = '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}';

/** The pattern a path id of this kind must match: `PREFIX-<lower-case uuid4>`. */
export const idPattern = (prefix: IdPrefix): string => `^${prefix}-${UUID4}$`;
/** Whether `value` is an id of this kind. */
export const isId = (prefix: IdPrefix, value: string): boolean => new RegExp(idPattern(prefix)).test(value);

export const DEFAULT_USER_ID = 'user-00000000-0000-4000-8000-000000000000';
export const DEFAULT_ORG_ID = 'org-00000000-0000-4000-8000-000000000000';

/**
 * The `otid` of the index-th message that one stored message fans out to: the message's uuid with its low seven bits
 * replaced by the index (`letta/schemas/message.py:generate_otid_from_id`).
 */
export function otidOf(messageId: string, index: number): string {
  const uuid = messageId.replace(/^message-/, '');
  const lastByte = (Number.parseInt(uuid.slice(-2), 16) & ~0x7f) | (index & 0x7f);
  return uuid.slice(0, -2) + lastByte.toString(16).padStart(2, '0');
}
