import type { Message } from '../../domain/message';

/** A stored message as tests need it: what they don't name is empty. */
export const storedMessage = (
  fields: Partial<Message> & Pick<Message, 'id' | 'role' | 'parts'>,
): Message => ({
  conversationId: 'agent-3d53e657-1480-4ac3-9567-1f582495e422',
  agentId: 'agent-3d53e657-1480-4ac3-9567-1f582495e422',
  runId: null,
  stepId: null,
  name: null,
  otid: null,
  senderId: null,
  createdAt: new Date('2026-11-24T01:28:59.250Z'),
  ...fields,
});
