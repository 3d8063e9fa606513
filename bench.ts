import { startFakeOpenAI } from './test/support/fake-openai';
import { createOpenAiClient } from './llm/openai/client';
async function main() {
  const fake = await startFakeOpenAI({ record: false });
  const client = createOpenAiClient({
    provider: 'openai',
    baseUrl: fake.url,
    apiKey: 'k',
    label: 'x',
    keyName: null,
    idleTimeoutMs: 5000,
  });
  const settings = {
    temperature: null,
    maxOutputTokens: null,
    reasoningEffort: null,
    maxReasoningTokens: null,
    verbosity: null,
    frequencyPenalty: null,
    strict: false,
    responseFormat: null,
  };
  for (const model of ['gpt-4.1', 'gpt-5.2'])
    for (const c of [1, 8, 256]) {
      const n = c === 1 ? 300 : 1500;
      let left = n;
      const t = process.hrtime.bigint();
      const cpu = process.cpuUsage();
      await Promise.all(
        Array.from({ length: c }, async () => {
          while (left-- > 0)
            await client.complete(
              {
                model,
                messages: [
                  { role: 'system', text: 'x'.repeat(3000) },
                  { role: 'user', parts: [{ type: 'text', text: 'hi' }] },
                ],
                tools: [],
                toolChoice: 'auto',
                parallelToolCalls: false,
                settings,
              },
              { signal: new AbortController().signal },
            );
        }),
      );
      const ms = Number(process.hrtime.bigint() - t) / 1e6;
      const u = process.cpuUsage(cpu);
      console.log(
        model,
        c,
        ((n / ms) * 1000).toFixed(0) + '/s',
        ((u.user + u.system) / 1000 / n).toFixed(2) + ' ms cpu/call (client+fake)',
        (process.memoryUsage().rss / 1e6).toFixed(0) + ' MB',
      );
    }
  await fake.close();
}
void main();
