import type { Response } from 'express';
import type { Run } from '../db/runs';
import type { ApiDeps } from './deps';
import { streamRun, type StreamOptions } from './run-stream';
import { startUnstarted } from './start-unstarted';
import { speakerOf } from './wire/message';

/** Streams a run to somebody who knows it already, and starts it if its API process died before it could. */
export async function resumeStream(
  deps: ApiDeps,
  res: Response,
  run: Run,
  options: Omit<StreamOptions, 'speaker'>,
): Promise<void> {
  await Promise.all([
    run.status === 'created' && startUnstarted(deps, run.id),
    streamRun(deps, res, run, { ...options, speaker: speakerOf(run.requestConfig) }),
  ]);
}
