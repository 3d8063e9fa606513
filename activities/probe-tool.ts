import { parseToolArguments } from '../domain/tool-arguments';
import type { ToolKey, ToolSettled } from '../domain/turn';
import { withAbort } from './abort';
import type { ActivityDeps } from './deps';
import { toCallContext } from './execute-tool';

/**
 * Asks a tool's read-only probe what became of a `once` call whose process was lost. What it found is stored: a result
 * closes the call, and a call that did not act may be run once more.
 */
export function createProbeTool(deps: Pick<ActivityDeps, 'turns' | 'tools' | 'cancellations'>) {
  return async function probeTool(key: ToolKey): Promise<ToolSettled> {
    const lost = await deps.turns.openLostTool(key);
    if ('done' in lost) return lost.done;
    const { opened } = lost;
    const { tool } = opened;
    if (!tool) return { isUnknown: true };
    const parsed = parseToolArguments(opened.call.arguments, tool);
    if ('error' in parsed) return { isUnknown: true };
    const probed = await withAbort(deps.cancellations, key.runId, ({ signal }) =>
      deps.tools.probe(tool, parsed.args, toCallContext(opened, signal)),
    );
    return deps.turns.saveProbe(opened, probed);
  };
}
