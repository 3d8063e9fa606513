import { z } from 'zod';
import { MAX_EXPIRY_SECONDS } from '../../domain/approval';
import type { Group } from '../../domain/group';
import { pageFields } from './page';
import { queryText } from './query';

/** A group as Letta's clients know it; those of this version are all of the type `sleeptime`. */
export const toWireGroup = (group: Group) => ({
  id: group.id,
  manager_type: 'sleeptime',
  agent_ids: [group.sleeperAgentId],
  description: '',
  project_id: null,
  template_id: null,
  base_template_id: null,
  deployment_id: null,
  shared_block_ids: [],
  manager_agent_id: group.managerAgentId,
  termination_token: null,
  max_turns: null,
  sleeptime_agent_frequency: group.frequency,
  turns_counter: group.turnsCounter,
  last_processed_message_id: group.lastProcessedMessageId,
  max_message_buffer_length: null,
  min_message_buffer_length: null,
  hidden: null,
  // Our own, and there only where it says something.
  ...(group.reviewSeconds !== null && { sleeptime_agent_review_seconds: group.reviewSeconds }),
});

export const ListGroupsQuery = z.object({
  ...pageFields({ limit: 50, order: 'desc' }),
  manager_type: queryText(),
});
export const UpdateGroupBody = z.object({
  manager_config: z
    .object({
      manager_type: z.literal('sleeptime'),
      sleeptime_agent_frequency: z.int32().min(1).nullish(),
      /** Our own: 0 takes the review away. */
      sleeptime_agent_review_seconds: z.int().min(0).max(MAX_EXPIRY_SECONDS).nullish(),
    })
    .nullish(),
});
