export { agentTurn } from './agent-turn';
export { toolRun } from './tool-run';
