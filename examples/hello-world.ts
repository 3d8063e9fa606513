import Letta from '@letta-ai/letta-client';

// Only the base URL differs from a program written for Letta. MODEL is a handle that GET /v1/models/ lists.
const client = new Letta({ baseURL: process.env['EVERTURN_URL'] ?? 'http://127.0.0.1:8283', apiKey: 'none' });

async function main(): Promise<void> {
  const agent = await client.agents.create({
    model: process.env['MODEL'] ?? 'everturn/demo',
    memory_blocks: [
      { label: 'human', value: 'Name: Ada. Likes bicycles.' },
      { label: 'persona', value: 'I am Sam. I answer briefly.' },
    ],
    tools: ['web_search', 'fetch_webpage'],
  });

  for (const input of ['What do you know about me?', 'I like chess.', 'What do I like?']) {
    console.log(`> ${input}`);
    const { messages } = await client.agents.messages.create(agent.id, { input });
    for (const message of messages) {
      if (message.message_type === 'assistant_message') console.log(message.content);
      if (message.message_type === 'tool_return_message') console.log(`  used ${message.name ?? 'a tool'}`);
    }
  }

  const stream = await client.agents.messages.create(agent.id, {
    input: 'And what is my name?',
    streaming: true,
    stream_tokens: true,
  });
  for await (const event of stream) {
    if (event.message_type !== 'assistant_message' || typeof event.content !== 'string') continue;
    process.stdout.write(event.content);
  }
  process.stdout.write('\n');
}

void main();
