import { insertGroup } from '../../db/groups';
import type { Queryable } from '../../db/pool';
import { DEFAULT_SLEEPTIME_FREQUENCY } from '../../domain/group';
import { newId } from '../../new-id';
import type { AgentFile, FileGroup } from './schema';

/** An agent of a file and its sleeper, by their ids there. */
interface FileSleeper {
  readonly manager: string;
  readonly sleeper: string;
  readonly frequency: number;
}

/** The sleepers of a file: one for each agent at most. */
export function sleepersOf({ agents, groups }: AgentFile): readonly FileSleeper[] {
  const ids = new Set(agents.map(({ id }) => id));
  const found = (groups ?? []).flatMap((group) => toSleeper(group) ?? []);
  const inFile = found.filter(
    ({ manager, sleeper }) => ids.has(manager) && ids.has(sleeper) && manager !== sleeper,
  );
  return [...new Map(inFile.map((each) => [each.manager, each])).values()];
}

function toSleeper({ agent_ids: members, manager_config: config }: FileGroup): FileSleeper | null {
  const [sleeper, ...others] = members ?? [];
  const manager = config?.manager_agent_id;
  if (config?.['manager_type'] !== 'sleeptime' || !manager || !sleeper || others.length > 0) return null;
  return { manager, sleeper, frequency: config.sleeptime_agent_frequency ?? DEFAULT_SLEEPTIME_FREQUENCY };
}

/** Stores the groups of agents and sleepers that are stored already; `ids` are theirs by those of the file. */
export async function importSleepers(
  tx: Queryable,
  sleepers: readonly FileSleeper[],
  ids: ReadonlyMap<string, string>,
): Promise<void> {
  for (const { manager, sleeper, frequency } of sleepers) {
    const managerAgentId = ids.get(manager);
    const sleeperAgentId = ids.get(sleeper);
    if (managerAgentId === undefined || sleeperAgentId === undefined) continue;
    await insertGroup(tx, { id: newId('group'), managerAgentId, sleeperAgentId, frequency });
  }
}
