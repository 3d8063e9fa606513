import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createCallModel } from '../../../activities/call-model';
import type { ActivityDeps } from '../../../activities/deps';
import type { ModelClient } from '../../../domain/model';
import { buildStep } from '../../support/build-step';

const info = { handle: 'openai/gpt-4.1', name: 'gpt-4.1' };

it('a model that never ends its reply is stopped before Temporal gives the attempt up', async () => {
  jest.useFakeTimers();
  const said: string[] = [];
  const client: ModelClient = {
    preview: () => Promise.reject(new Error('nobody asks')),
    complete: (_request, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          said.push('stopped');
          reject(new Error('the stream broke'));
        });
        said.push('asked');
      }),
  };
  const deps = {
    turns: {
      openStep: () => Promise.resolve({ opened: buildStep() }),
      saveStepError: (_step: unknown, { code }: { code: string }) => Promise.resolve(void said.push(code)),
    },
    models: { client: () => Promise.resolve({ info, client }) },
    cancellations: { watch: () => () => undefined },
  } as unknown as ActivityDeps; // only these are called
  const environment = new MockActivityEnvironment(
    {},
    { logger: new DefaultLogger('ERROR', () => undefined) },
  );

  const outcome = expect(
    environment.run(createCallModel(deps), { runId: 'run-1', step: 0 }),
  ).rejects.toMatchObject({
    code: 'MODEL_TIMEOUT',
  });
  await jest.advanceTimersByTimeAsync(9 * 60_000);
  expect(said).toEqual(['asked']);
  await jest.advanceTimersByTimeAsync(60_000);
  await outcome;

  expect(said).toEqual(['asked', 'stopped', 'MODEL_TIMEOUT']);
  jest.useRealTimers();
});
