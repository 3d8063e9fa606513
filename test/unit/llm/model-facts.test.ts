import { acceptedEffort, isReasoningModel, limitsOf, usesResponsesApi } from '../../../llm/model-facts';

it.each([
  ['gpt-5', true],
  ['gpt-5.2-codex', true],
  ['o1', true],
  ['o3-mini', true],
  ['o4-mini-2025-04-16', true],
  ['gpt-4.1', false],
  ['gpt-4o', false],
  ['o200k-something', false],
  ['omni', false],
])('sends %s to the Responses API: %s', (model, isResponses) => {
  expect(usesResponsesApi(model)).toBe(isResponses);
});

it.each([
  ['openai/gpt-5', true],
  ['gpt-5-chat-latest', false],
  ['gpt-4.1', false],
  ['claude-sonnet-4-5', true],
  ['claude-3-5-haiku', false],
  ['gemini-2.5-flash', true],
  ['gemini-2.5-flash-lite', false],
  ['gemini-2.0-flash', false],
  ['deepseek-reasoner', true],
])('knows whether %s reasons: %s', (model, reasons) => {
  expect(isReasoningModel(model)).toBe(reasons);
});

it.each([
  ['gpt-5', 'minimal', 'minimal'],
  ['gpt-5', 'none', 'minimal'],
  ['gpt-5', 'xhigh', 'high'],
  ['gpt-5.1', 'minimal', 'none'],
  ['gpt-5.2', 'xhigh', 'xhigh'],
  ['gpt-5-codex', 'minimal', 'low'],
  ['gpt-5-pro', 'low', 'high'],
  ['o3', 'minimal', 'low'],
  ['gpt-4.1', 'high', undefined],
  ['gpt-5', 'enormous', undefined],
  ['gpt-5', null, undefined],
])('takes from %s the effort %s as %s', (model, wanted, accepted) => {
  expect(acceptedEffort(model, wanted)).toBe(accepted);
});

it('believes the listing before the table and leaves room for the prompt', () => {
  expect(limitsOf('gpt-4.1')).toEqual({ contextWindow: 1_047_576, maxOutputTokens: 16_384 });
  expect(limitsOf('unheard-of')).toEqual({ contextWindow: 128_000, maxOutputTokens: 16_384 });
  expect(limitsOf('gpt-4.1', { contextWindow: 5000 })).toEqual({
    contextWindow: 5000,
    maxOutputTokens: 1250,
  });
});
