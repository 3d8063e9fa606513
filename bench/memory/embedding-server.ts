import { startFakeEmbeddings } from '../../test/support/fake-embeddings';
import { TOPICS } from './facts';

/** Deterministic vectors from a process of its own: words of one topic mean the same, all others are unlike each other. */
async function main(): Promise<void> {
  const synonyms = TOPICS.map((words) => words.map((word) => word.toLowerCase()));
  const { url } = await startFakeEmbeddings({ synonyms, dimensions: 384 });
  process.send?.({ url });
  process.once('disconnect', () => process.exit(0));
}

void main();
