import type { ModelClient } from '../../../domain/model';
import { createAnthropicClient } from '../../../llm/anthropic/client';
import { createGoogleClient } from '../../../llm/google/client';
import { createOpenAiClient } from '../../../llm/openai/client';
import { startFakeAnthropic } from '../../support/fake-anthropic';
import { startFakeGemini } from '../../support/fake-gemini';
import { startFakeOpenAI } from '../../support/fake-openai';
import { call } from './calls';
import { assistant, modelRequest, ROLL, system, user } from './requests';

interface Started {
  readonly client: ModelClient;
  readonly bodies: () => readonly unknown[];
  readonly fake: { close(): Promise<void> };
}
const common = { apiKey: 'sk', label: 'It', keyName: 'KEY', idleTimeoutMs: 5_000 };

async function openai(): Promise<Started> {
  const fake = await startFakeOpenAI();
  const { url: baseUrl, requests } = fake;
  const client = createOpenAiClient({ ...common, baseUrl, provider: 'openai' });
  return { client, fake, bodies: () => requests.map(({ body }) => body) };
}
async function anthropic(): Promise<Started> {
  const fake = await startFakeAnthropic([{ text: 'Yes' }]);
  const { url: baseUrl, requests } = fake;
  return { client: createAnthropicClient({ ...common, baseUrl }), fake, bodies: () => requests };
}
async function google(): Promise<Started> {
  const fake = await startFakeGemini([{ parts: [{ text: 'Yes' }] }]);
  const { url: baseUrl, requests } = fake;
  return { client: createGoogleClient({ ...common, baseUrl }), fake, bodies: () => requests };
}

it.each([
  ['gpt-4.1', openai],
  ['gpt-5.2', openai],
  ['claude-sonnet-4-5', anthropic],
  ['gemini-2.5-flash', google],
])('what would be sent to %s is what is sent, and a preview sends nothing', async (model, start) => {
  const { client, bodies, fake } = await start();
  const said = assistant([{ type: 'text', text: 'What?' }]);
  const messages = [system, user('Roll'), said, user('A die')];
  const request = modelRequest({ model, messages, tools: [ROLL], conversationId: 'conv-1' });

  const preview = await client.preview(request);
  expect(bodies()).toEqual([]);
  await call(client, request);
  await fake.close();

  expect(bodies()).toEqual([preview]);
});
