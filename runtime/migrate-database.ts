import { loadConfig, readEnvironment } from '../config';
import { migrate } from '../db/migrate';
import { AppError } from '../domain/errors';
import { createLogger } from '../log';

/** `npm run migrate`: brings the database in DATABASE_URL to this version. For installs of separate processes. */
async function main(): Promise<void> {
  const { database, logLevel } = loadConfig(readEnvironment());
  if (database.url === null) {
    throw new AppError(
      'INVALID_ARGUMENT',
      'DATABASE_URL is not set. `npm start` migrates the embedded database by itself.',
    );
  }
  await migrate(database.url, createLogger(logLevel));
}

main().then(
  () => process.stderr.write('The database is up to date.\n'),
  (error: unknown) => {
    process.stderr.write(`${error instanceof AppError ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
