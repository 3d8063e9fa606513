import { bundleWorkflowCode } from '@temporalio/worker';
import fs from 'node:fs/promises';
import path from 'node:path';
import { BUNDLE_PATH } from './create-worker';

/** Bundles workflow code at build time, so that a worker starts without a bundler. */
async function buildBundle(): Promise<void> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: path.join(__dirname, '..', 'workflows'),
    logger: { ...console, trace: () => {}, debug: () => {}, info: () => {}, log: () => {} },
  });
  await fs.writeFile(BUNDLE_PATH, code);
}

void buildBundle();
