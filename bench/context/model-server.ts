import http from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A model that takes a request without looking at it, in a process of its own: what is measured is Everturn's work on a
 * long context, not a fake's. It says the same to everybody.
 */
function main(): void {
  const frame = (fields: object) =>
    `data: ${JSON.stringify({ id: 'chatcmpl-bench', model: 'gpt-4.1', ...fields })}\n\n`;
  const answer = [
    frame({
      choices: [{ index: 0, delta: { role: 'assistant', content: 'Hello, Ada.' }, finish_reason: null }],
    }),
    frame({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }),
    frame({ choices: [], usage: { prompt_tokens: 1_000, completion_tokens: 4, total_tokens: 1_004 } }),
    'data: [DONE]\n\n',
  ].join('');
  const listing = JSON.stringify({ object: 'list', data: [{ id: 'gpt-4.1', object: 'model' }] });
  const server = http.createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      const isListing = request.method === 'GET';
      response.writeHead(200, { 'content-type': isListing ? 'application/json' : 'text/event-stream' });
      response.end(isListing ? listing : answer);
    });
  });
  server.listen(0, '127.0.0.1', () => {
    process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` }); // It listens on TCP.
  });
  process.once('disconnect', () => process.exit(0));
}

main();
