import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { createScript, createScriptedServer, declare } from './mcp-tools';

// A server on stdio: `node -r register-typescript.cjs mcp-stdio-server.ts [log file]`. It notes its pid and each call in
// the file. It neither ends with its stdin nor on SIGTERM: who starts it must see to that.
const script = createScript();
script.tools.push(declare('die'), declare('hang'), declare('child'), declare('noise'), declare('flood'));
const log = process.argv[2];
const note = (line: string): void => {
  if (log) fs.appendFileSync(log, `${line}\n`);
};
process.on('SIGTERM', () => note('asked to stop'));
setInterval(() => undefined, 1_000);
note(`pid ${process.pid}`);

script.answer = ({ tool, args, key }) => {
  note(`call ${tool} ${String(args['label'])} ${String(key)}`);
  if (tool === 'die') process.kill(process.pid, 'SIGKILL');
  if (tool === 'hang') return new Promise(() => undefined);
  if (tool === 'child') {
    const child = spawn('sleep', ['600'], { stdio: 'ignore' });
    note(`pid ${child.pid ?? 0}`);
  }
  if (tool === 'noise') process.stdout.write('this is no message\n{"neither": "this"}\n');
  if (tool === 'flood') flood();
  if (tool === 'look') return { content: [{ type: 'text', text: JSON.stringify(process.env) }] };
  return undefined;
};

function flood(): void {
  const line = `${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x' } })}\n`;
  const write = (): void => void process.stdout.write(line.repeat(1_000), () => setImmediate(write));
  write();
}

void createScriptedServer(script).connect(new StdioServerTransport());
