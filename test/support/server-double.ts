// Stands in for runtime/serve.ts where only the supervision is tested: it listens, tells its supervisor, and ends as
// the real one does. GET /die kills it, GET /fatal makes it give up.
import http from 'node:http';

const env = process.env;
const server = http.createServer((request, response) => {
  response.end(
    JSON.stringify({ pid: process.pid, database: env['DATABASE_URL'], temporal: env['TEMPORAL_ADDRESS'] }),
  );
  if (request.url === '/die') process.kill(process.pid, 'SIGKILL');
  if (request.url === '/fatal')
    process.send?.({ type: 'fatal', message: 'The double gives up.' }, () => process.exit(1));
});
const end = () => process.exit(0);
process.on('disconnect', end);
process.on('SIGTERM', end);
server.listen(Number(env['PORT']), '127.0.0.1', () => {
  const url = `http://127.0.0.1:${env['PORT'] ?? ''}`;
  process.send?.({ type: 'ready', url, models: ['everturn/demo'], providers: [] });
});
