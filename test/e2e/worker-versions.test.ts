import { Connection } from '@temporalio/client';
import { createFiveSteps, createGate } from '../support/five-steps';
import { createAgent, runEnd, sendAsync, transcript } from '../support/live-api';
import { startLiveServer, type LiveServer } from '../support/live-server';
import { testTemporalAddress } from '../support/stack';
import { until } from '../support/started';

// Worker deployment versions, as an operator uses them on a Temporal server that offers them.

const DEPLOYMENT = `everturn-${process.pid}`;
const steps = createFiveSteps();
let server: LiveServer;
let temporal: Connection;
let url: string;

beforeAll(async () => {
  [server, temporal] = await Promise.all([
    startLiveServer({
      script: steps.script,
      roles: ['api'],
      env: { TEMPORAL_TASK_QUEUE: DEPLOYMENT, TEMPORAL_DEPLOYMENT_NAME: DEPLOYMENT },
    }),
    Connection.connect({ address: testTemporalAddress() }),
  ]);
  ({ url } = server);
});
afterAll(async () => {
  await server.stop();
  await temporal.close();
});

const startWorker = (buildId: string) => server.start('worker', { TEMPORAL_BUILD_ID: buildId });

/** `temporal worker deployment set-current-version`; a version is known once a worker of it has asked for work. */
async function setCurrent(buildId: string): Promise<void> {
  const request = { namespace: 'default', deploymentName: DEPLOYMENT, buildId, identity: 'test' };
  let refusal: unknown;
  await until(
    () =>
      temporal.workflowService.setWorkerDeploymentCurrentVersion(request).then(
        () => true,
        (error: unknown) => {
          refusal = error;
          return false;
        },
      ),
    30_000,
    () => String(refusal),
  );
}

/** The versions that completed workflow tasks of the agent's turns, in order. */
async function versionsOf(agentId: string): Promise<readonly string[]> {
  const { history } = await temporal.workflowService.getWorkflowExecutionHistory({
    namespace: 'default',
    execution: { workflowId: `agent/${agentId}` },
  });
  return (history?.events ?? []).flatMap(({ workflowTaskCompletedEventAttributes: completed }) =>
    completed?.deploymentVersion?.buildId ? [completed.deploymentVersion.buildId] : [],
  );
}

/** Waits until a turn that begins is taken by this version: a change takes a moment to reach all queues. */
async function turnsGoTo(buildId: string): Promise<void> {
  const { id } = await createAgent(url);
  await until(async () => {
    await runEnd(url, await sendAsync(url, id, 'Hi'));
    return (await versionsOf(id)).at(-1) === buildId;
  });
}

it('a turn goes on with the version that became current, and back again after a roll-back', async () => {
  await startWorker('one');
  await setCurrent('one');
  const agent = await createAgent(url);
  const gate = createGate();
  steps.begin({ step: 1, gate });
  const runId = await sendAsync(url, agent.id, 'do the five steps');
  await gate.reached;

  await startWorker('two');
  await setCurrent('two');
  await turnsGoTo('two');
  gate.open();

  expect(await runEnd(url, runId)).toMatchObject({ status: 'completed' });
  expect(steps.asked).toEqual([1, 1, 1, 1, 1]);
  expect((await transcript(url, agent.id)).at(-1)).toBe('assistant: All five steps are done.');
  const versions = await versionsOf(agent.id);
  expect([versions[0], versions.at(-1)]).toEqual(['one', 'two']);

  await setCurrent('one');
  await turnsGoTo('one');
});
