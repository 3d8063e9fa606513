import Letta from '@letta-ai/letta-client';

// A stream that breaks is picked up where it broke: the run goes on in the server, and every frame has a number.
const client = new Letta({ baseURL: process.env['EVERTURN_URL'] ?? 'http://127.0.0.1:8283', apiKey: 'none' });

async function main(): Promise<void> {
  const agent = await client.agents.create({ model: process.env['MODEL'] ?? 'everturn/demo' });
  const stream = await client.agents.messages.create(agent.id, {
    input: 'Tell me what you can do.',
    streaming: true,
    stream_tokens: true,
    background: true,
  });

  let runId = '';
  let seen = 0;
  for await (const event of stream) {
    if ('run_id' in event) runId = event.run_id ?? runId;
    if ('seq_id' in event) seen = event.seq_id ?? seen;
    print(event);
    if (seen >= 5) break; // as if the connection had been lost here
  }
  process.stdout.write(' ... ');
  for await (const event of await client.runs.messages.stream(runId, { starting_after: seen })) print(event);
  process.stdout.write('\n');
}

function print(event: { readonly message_type?: string | undefined; readonly content?: unknown }): void {
  if (event.message_type === 'assistant_message' && typeof event.content === 'string') {
    process.stdout.write(event.content);
  }
}

void main();
