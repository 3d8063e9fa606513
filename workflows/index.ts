export { agentTurn } from './agent-turn';
export { approvalExpiry } from './approval-expiry';
export { reembedArchive } from './reembed-archive';
export { toolRun } from './tool-run';
export { undoRun } from './undo-run';
