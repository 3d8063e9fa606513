import { startTestServices } from './services';

/** Runs once before the tests of all tiers that need services. Their addresses reach the tests by environment. */
export default async function globalSetup(): Promise<void> {
  const services = await startTestServices();
  Object.assign(process.env, services.environment);
  Object.assign(globalThis, { everturnTestServices: services });
}
