import type { Config } from '../config';
import packageJson from '../package.json';
import type { ServerReady } from './server-process';

export interface ReadyFacts {
  readonly config: Config;
  readonly ready: ServerReady;
  readonly temporalUi: string | null;
  readonly seconds: number;
}

/** What the terminal shows when everything runs: addresses, data, models, and the command to try next. */
export function readyText({ config, ready, temporalUi, seconds }: ReadyFacts): string {
  const temporal = temporalUi ?? `your own at ${config.temporal.address ?? ''}`;
  const rows = [
    ['API', ready.url],
    ['Temporal UI', temporal],
    ['Data folder', config.home],
    ['Models', models(ready)],
  ];
  const table = rows.map(([name, value]) => `  ${(name ?? '').padEnd(12)} ${value ?? ''}`).join('\n');
  return `\nEverturn ${packageJson.version} is ready (${seconds.toFixed(1)} s)\n\n${table}\n\n${next(config, ready)}\n`;
}

function models({ providers: named, models: handles }: ServerReady): string {
  const providers = named.filter((name) => name !== 'everturn'); // The demo model is nobody's provider.
  if (providers.length > 0) return `${providers.join(', ')} (${handles.length} models)`;
  return 'no provider: the demo model everturn/demo answers; set OPENAI_API_KEY or another one (.env.example)';
}

function next(config: Config, { url, models: handles }: ServerReady): string {
  const password = config.api.password === null ? '' : ` -H "authorization: Bearer $EVERTURN_PASSWORD"`;
  const agent = {
    model: handles[0] ?? 'everturn/demo',
    memory_blocks: [{ label: 'human', value: 'Name: unknown' }],
  };
  return [
    'Create an agent, then send it a message (put its id in place of AGENT):',
    `  curl -s ${url}/v1/agents/${password} -H 'content-type: application/json' -d '${JSON.stringify(agent)}'`,
    `  curl -s ${url}/v1/agents/AGENT/messages${password} -H 'content-type: application/json' -d '{"input":"My name is Ada"}'`,
    '',
    'Ctrl-C stops everything.',
  ].join('\n');
}
