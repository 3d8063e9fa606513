import { buildChatRequest } from '../../../llm/openai/chat-request';
import { supportsExtendedPromptCacheRetention } from '../../../llm/openai/prompt-cache';
import { buildResponsesRequest } from '../../../llm/openai/responses-request';
import { modelRequest, SETTINGS } from './requests';

const OPENAI = { provider: 'openai', baseUrl: 'https://api.openai.com/v1' };
const PROXY = { provider: 'openai', baseUrl: 'http://127.0.0.1:9999/v1' };
const OPENROUTER = { provider: 'openrouter', baseUrl: 'https://openrouter.ai/api/v1' };
const DISGUISED = { provider: 'openai', baseUrl: 'https://openrouter.ai/api/v1' };
const VLLM = { provider: 'vllm', baseUrl: 'http://127.0.0.1:8000/v1' };

const TABLE: readonly [string, typeof OPENAI, boolean][] = [
  ['gpt-4.1', OPENAI, true],
  ['gpt-4.1', PROXY, true],
  ['openai/gpt-4.1', OPENAI, true],
  ['gpt-4.1-mini', OPENAI, false],
  ['gpt-4.1-2025-04-14', OPENAI, false],
  ['gpt-4o', OPENAI, false],
  ['gpt-5', OPENAI, true],
  ['gpt-5-mini', OPENAI, false],
  ['gpt-5-mini-2025-08-07', OPENAI, true],
  ['gpt-5-nano', OPENAI, true],
  ['gpt-5.1', OPENAI, true],
  ['gpt-5.2', PROXY, true],
  ['gpt-5.2-codex', OPENAI, true],
  ['o3', OPENAI, false],
  ['gpt-4.1', OPENROUTER, false],
  ['openai/gpt-5', OPENROUTER, false],
  ['gpt-5', DISGUISED, false],
  ['gpt-5', VLLM, false],
];

describe.each([
  ['chat', buildChatRequest],
  ['responses', buildResponsesRequest],
])('the %s builder', (_name, build) => {
  it.each(TABLE)('keeps the prefix of %s at %o for 24 hours: %s', (model, target, isSupported) => {
    const settings = {
      ...SETTINGS,
      temperature: 1,
      maxOutputTokens: 10,
      reasoningEffort: 'high',
      verbosity: 'low',
    };
    const body = build(modelRequest({ model, settings, user: 'user-1' }), target);

    expect(supportsExtendedPromptCacheRetention(target, model)).toBe(isSupported);
    expect(JSON.stringify(body).includes('"prompt_cache_retention":"24h"')).toBe(isSupported);
    expect('prompt_cache_retention' in body).toBe(isSupported);
    expect(JSON.stringify(body)).not.toContain('prompt_cache_key');
  });
});
