import fs from 'node:fs';
import path from 'node:path';
import { readFlags, USAGE, type Flags } from './flags';
import { htmlReport } from './html-report';
import { createProgress } from './progress';
import { toReport } from './report';
import { prove } from './run';
import { onStopRequests } from './stop-requests';
import { textReport } from './text-report';

/** `npm run prove`: progress on stderr, the table on stdout, both reports in a folder. Resolves with the exit code. */
async function main(flags: Flags): Promise<number> {
  if (flags.isHelp) {
    process.stdout.write(USAGE);
    return 0;
  }
  // A reader that closes the pipe early, such as head, must not leave processes behind.
  process.stdout.on('error', () => undefined);
  const progress = createProgress(process.stderr);
  const stops = onStopRequests((line) => {
    progress.close();
    process.stderr.write(`prove: ${line}\n`);
  });
  try {
    const evidence = await prove(flags, stops, (line) => progress.show(line));
    progress.close();
    const report = toReport(evidence);
    fs.mkdirSync(flags.out, { recursive: true });
    fs.writeFileSync(
      path.join(flags.out, 'report.json'),
      `${JSON.stringify({ ...report, strikes: evidence.strikes }, null, 2)}\n`,
    );
    fs.writeFileSync(path.join(flags.out, 'report.html'), htmlReport(report));
    process.stdout.write(textReport(report));
    process.stdout.write(`${path.join(flags.out, 'report.html')} and report.json hold all of it.\n`);
    return report.hasPassed ? 0 : 1;
  } catch (error) {
    progress.close();
    if (!stops.now.aborted) throw error;
    process.stderr.write('prove: stopped; nothing was reported\n');
    return 130;
  }
}

function complain(error: unknown): number {
  process.stderr.write(`prove: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return 1;
}

function start(): Promise<number> {
  let flags: Flags;
  try {
    flags = readFlags(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`prove: ${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return Promise.resolve(2);
  }
  return main(flags).catch(complain);
}

void start().then((code) => process.exit(code));
