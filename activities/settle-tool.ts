import type { SettleKey, ToolSettled } from '../domain/turn';
import type { ActivityDeps } from './deps';

/** Gives the verdict on a call whose activity failed for good, or says that the tool's probe is to be asked first. */
export function createSettleTool({ turns, tools }: Pick<ActivityDeps, 'turns' | 'tools'>) {
  return (key: SettleKey): Promise<ToolSettled> => turns.settleTool(key, (tool) => tools.hasProbe(tool));
}
