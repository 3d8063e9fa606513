export { agentTurn } from './agent-turn';
export { approvalExpiry } from './approval-expiry';
export { toolRun } from './tool-run';
