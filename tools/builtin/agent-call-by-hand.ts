import { toolError } from '../../domain/tool-failure';
import type { ReadHandler } from '../handler';

/** Messages between agents are sent by the workflow of the turn that makes the call; outside of a turn there is none. */
export const agentCallByHand: ReadHandler = () =>
  Promise.reject(
    toolError(
      'RuntimeError',
      'Messages to other agents are sent in a turn only. Send the agent a message instead: POST /v1/agents/{agent_id}/messages.',
    ),
  );
