import { startFakeOpenAI } from '../test/support/fake-openai';

/** The fake model as a process of its own: it must not share a thread with what is measured. */
async function main(): Promise<void> {
  const { url } = await startFakeOpenAI({ record: false, strict: false });
  process.send?.({ url });
  process.once('disconnect', () => process.exit(0));
}

void main();
