// Runs inside of Deno: reads one request from stdin, calls the tool's function or runs a piece of code, and answers with
// one line that begins with the request's nonce. Everything it needs is taken before the tool's code is read, so that
// code which replaces it changes nothing here.
const { parse, stringify } = JSON;
const { apply } = Reflect;
const { subarray } = Uint8Array.prototype;
const { inspect } = Deno;
const exit = Deno.exit.bind(Deno);
const write = Deno.stdout.writeSync.bind(Deno.stdout);
const encode = TextEncoder.prototype.encode.bind(new TextEncoder());
const send = globalThis.fetch;
// Deno shows paths in stacks as they are, and URLs with their escapes.
const SELF = [import.meta.url, decodeURI(import.meta.url)];
const STACK_LIMIT = 20_000;

const request = parse(await new Response(Deno.stdin.readable).text());
const nonce = request.nonce;
delete request.nonce;
for (const [name, value] of Object.entries(request.environment)) Deno.env.set(name, value);
if (request.gateway) globalThis.fetch = fetchThrough(request.gateway);
let hasAnswered = false;

globalThis.addEventListener('unhandledrejection', (event) => answer({ error: describe(event.reason) }));
globalThis.addEventListener('error', (event) => answer({ error: describe(event.error) }));
try {
  const module = await import(request.module);
  if (request.kind === 'code') {
    const value = await module.default;
    answer(value === undefined ? { length: 0 } : toAnswer(value));
  } else {
    answer(toAnswer(await call(module[request.exportName])));
  }
} catch (error) {
  answer({ error: describe(error) });
}

function call(tool) {
  const { style, names, arguments: given } = request;
  if (style === 'object') return tool(given);
  return tool(...names.map((name) => (Object.hasOwn(given, name) ? given[name] : undefined)));
}

function toAnswer(value) {
  const text = toText(value);
  if (text.length <= request.limit) return { value: text, length: text.length };
  let length = 0;
  for (const _ of text) length++;
  return {
    value: Array.from(text.slice(0, 2 * request.limit))
      .slice(0, request.limit)
      .join(''),
    length,
  };
}

/** Text as it is, what JSON can hold as JSON, anything else as Deno shows it. */
function toText(value) {
  if (typeof value === 'string') return value;
  if (value === null || typeof value !== 'object') return String(value);
  if (value instanceof Map || value instanceof Set || value instanceof Error) return inspect(value);
  try {
    return stringify(value) ?? inspect(value);
  } catch {
    return inspect(value);
  }
}

/** Name, text and stack of whatever was thrown, without the frames of this file. */
function describe(error) {
  try {
    if (!(error instanceof Error)) return { name: 'Error', message: toText(error), stack: '' };
    const message = String(error.message).replaceAll(request.folder, '');
    const lines = String(error.stack ?? '')
      .split('\n')
      .filter((line) => !SELF.some((url) => line.includes(url)));
    const stack = lines.join('\n').replaceAll(request.folder, '').slice(0, STACK_LIMIT);
    return { name: String(error.name), message: message.slice(0, STACK_LIMIT), stack };
  } catch {
    return { name: 'Error', message: 'the tool threw something that cannot be shown', stack: '' };
  }
}

function answer(said) {
  if (hasAnswered) return;
  hasAnswered = true;
  let bytes = encode(`\n${nonce} ${stringify(said)}\n`);
  while (bytes.length > 0) bytes = apply(subarray, bytes, [write(bytes)]);
  exit(0);
}

/** A fetch that the server carries out, to public addresses alone. */
function fetchThrough({ url, token }) {
  return async function fetch(input, init) {
    const asked = new Request(input, init);
    if (!/^https?:$/.test(new URL(asked.url).protocol)) return send(asked);
    const { method, redirect, signal } = asked;
    const head = stringify({ url: asked.url, method, redirect, headers: [...asked.headers] });
    const body = new Blob([`${head}\n`, await asked.arrayBuffer()]);
    const got = await send(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body,
      signal,
    });
    const told = parse(decodeURIComponent(got.headers.get('x-everturn-response') ?? '{}'));
    if (told.status === undefined) throw new TypeError(told.error ?? 'the server could not make the request');
    const isEmpty = [101, 204, 205, 304].includes(told.status);
    if (isEmpty) await got.body?.cancel();
    const { status, statusText, headers } = told;
    const response = new Response(isEmpty ? null : got.body, { status, statusText, headers });
    const facts = { url: { value: told.url }, redirected: { value: told.url !== asked.url } };
    return Object.defineProperties(response, facts);
  };
}
