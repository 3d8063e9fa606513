import { randomInt } from 'node:crypto';
import net from 'node:net';
import path from 'node:path';
import { z } from 'zod';
import { AppError } from '../domain/errors';
import { isCode, readIfThere, reasonOf, replaceFile } from './data-folder';

// Below the range from which systems take ports for outgoing connections: a port from that range can be taken by a
// client that tries to reach its own dead server.
const FIRST = 20_000;
const LAST = 32_000;

const Ports = z.record(z.string(), z.number().int().min(1).max(65_535));

/** Whether something could listen on `host:port` right now; the reason when not. */
function portProblem(host: string, port: number): Promise<Error | null> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

/** Refuses a port that the API could not listen on, with one sentence that says what to change. */
export async function requirePort(host: string, port: number): Promise<void> {
  const problem = await portProblem(host, port);
  if (!problem) return;
  if (isCode(problem, 'EADDRINUSE')) {
    throw new AppError(
      'CONFLICT',
      `Port ${port} on ${host} is in use; stop what uses it or set PORT to another port.`,
    );
  }
  throw new AppError(
    'INVALID_ARGUMENT',
    `Everturn can't listen on ${host}:${port} (${reasonOf(problem)}); set HOST and PORT to an address of this machine.`,
  );
}

/** A port on which nothing listens on loopback. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = randomInt(FIRST, LAST);
    if (!(await portProblem('127.0.0.1', port))) return port;
  }
  throw new AppError('UNAVAILABLE', `No free port was found between ${FIRST} and ${LAST} on 127.0.0.1.`);
}

/** The port that the data folder remembers for `name`; another one when that is taken by somebody else. */
export async function rememberedPort(home: string, name: string): Promise<number> {
  const file = path.join(home, 'ports.json');
  const remembered = readPorts(file)[name];
  if (remembered && !(await portProblem('127.0.0.1', remembered))) return remembered;
  const port = await freePort();
  replaceFile(file, JSON.stringify({ ...readPorts(file), [name]: port }));
  return port;
}

function readPorts(file: string): Readonly<Record<string, number>> {
  const content = readIfThere(file);
  if (!content) return {};
  try {
    return Ports.parse(JSON.parse(content));
  } catch {
    return {}; // Only a convenience: other ports serve as well.
  }
}
