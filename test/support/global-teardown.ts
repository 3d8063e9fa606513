import type { TestServices } from './services';

/** Runs once after all tests: the services and their folder are gone when it resolves. */
export default async function globalTeardown(): Promise<void> {
  const { everturnTestServices } = globalThis as unknown as { everturnTestServices?: TestServices }; // Set by global-setup.
  await everturnTestServices?.stop();
}
