// Stands in for npm: a parent that starts the supervisor by a shell, which outlives it, and does nothing else.
import { spawn } from 'node:child_process';
import path from 'node:path';

const command = [process.execPath, ...process.execArgv, path.join(__dirname, 'start-with-double.ts')];
const quoted = command.map((word) => `'${word}'`).join(' ');
spawn('/bin/sh', ['-c', `${quoted}; exit $?`], { stdio: 'inherit' });
