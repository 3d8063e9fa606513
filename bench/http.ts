import http from 'node:http';
import { once } from 'node:events';

const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });

/** Posts JSON and returns the open answer; anything but 2xx throws with its text. */
export const openPost = (url: string, body: unknown): Promise<http.IncomingMessage> =>
  open('POST', url, body);

async function open(method: string, url: string, body: unknown): Promise<http.IncomingMessage> {
  const text = JSON.stringify(body);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  const request = http.request(url, { method, agent, headers });
  request.end(text);
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
  const status = answer.statusCode ?? 0;
  if (status >= 300) throw new Error(`${status} ${await textOf(answer)}`);
  return answer;
}

/** Posts JSON and returns the parsed answer. */
export async function post(url: string, body: unknown): Promise<Readonly<Record<string, unknown>>> {
  return JSON.parse(await textOf(await openPost(url, body))) as Record<string, unknown>; // The API answers objects.
}

/** Patches JSON; the answer is not looked at. */
export async function patch(url: string, body: unknown): Promise<void> {
  await textOf(await open('PATCH', url, body));
}

async function textOf(answer: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** Lets go of kept-alive connections, so that the process can end. */
export const closeConnections = (): void => agent.destroy();
