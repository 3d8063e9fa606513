import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import fs from 'node:fs';
import path from 'node:path';
import { CANARY } from './canary';

const FOLDER = path.join(__dirname, 'histories');
const shapes = fs.readdirSync(FOLDER).map((file) => path.basename(file, '.json'));
const read = (shape: string): string => fs.readFileSync(path.join(FOLDER, `${shape}.json`), 'utf8');
let workflowBundle: { readonly code: string };

beforeAll(async () => {
  const logger = new DefaultLogger('ERROR', () => undefined);
  // A rejected replay is reported by its error; the core's own lines would only be noise.
  Runtime.install({ logger, telemetryOptions: { logging: { filter: 'OFF' } } });
  workflowBundle = await bundleWorkflowCode({
    workflowsPath: path.join(__dirname, '../../workflows'),
    logger,
  });
});

const replay = (history: string): Promise<void> =>
  Worker.runReplayHistory({ workflowBundle, replayName: 'recorded' }, JSON.parse(history));

it('there is a history of every shape a turn can take, and of the workflows beside it', () => {
  expect(shapes.sort()).toEqual([
    'agents-asked',
    'agents-asking',
    'agents-asking-busy',
    'agents-cancelled',
    'approval-answered',
    'approval-asked',
    'cancelled',
    'client-tool',
    'compacted-after-tools',
    'compacted-before',
    'compacted-end',
    'compaction',
    'expiry',
    'expiry-answered',
    'expiry-asked',
    'max-steps',
    'model-failure',
    'parallel-tools',
    'plain',
    'queued-first',
    'queued-second',
    'reembed',
    'required-before-exit',
    'sleeper-woken',
    'tool-again',
    'tool-settled',
    'tools',
    'undo',
  ]);
});

it.each(shapes)('the workflow of today goes on with a recorded turn of the shape "%s"', async (shape) => {
  await expect(replay(read(shape))).resolves.toBeUndefined();
});

it.each([
  ['asked for another activity', (history: string) => history.replaceAll('"executeTool"', '"runTool"')],
  ['made its steps in another order', swapFirstActivities],
])('a recorded turn whose workflow %s is rejected', async (_change, edit) => {
  const edited = edit(read('tools'));
  expect(edited).not.toBe(read('tools'));

  await expect(replay(edited)).rejects.toThrow(DeterminismViolationError);
});

function swapFirstActivities(history: string): string {
  return history
    .replaceAll('"callModel"', '"?"')
    .replaceAll('"executeTool"', '"callModel"')
    .replaceAll('"?"', '"executeTool"');
}

it.each(shapes)('a history of the shape "%s" holds ids and decisions, never a word of a message', (shape) => {
  const history = read(shape);
  const payloads = [...history.matchAll(/"data": "([^"]*)"/g)].map(([, data = '']) =>
    Buffer.from(data, 'base64').toString(),
  );

  expect(payloads.join('\n')).toMatch(/(run|job)-[0-9a-f-]{36}/);
  expect([history, ...payloads].join('\n')).not.toContain(CANARY);
});
