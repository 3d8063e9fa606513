import type { ModelInfo } from '../../domain/model';

/** The scripted model that stands in when no provider is configured. Its name and its replies say what it is. */
export const DEMO_MODEL: ModelInfo = {
  handle: 'everturn/demo',
  name: 'demo',
  displayName: 'Everturn demo (scripted, not a language model)',
  providerName: 'everturn',
  // Letta's clients know a fixed set of types; this one's settings have OpenAI's shape.
  providerType: 'openai',
  providerCategory: 'base',
  endpoint: 'everturn:demo',
  contextWindow: 128_000,
  maxOutputTokens: 4_096,
  isReasoning: false,
};
