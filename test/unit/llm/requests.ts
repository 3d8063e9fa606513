import type {
  ModelEvent,
  ModelReply,
  ModelRequest,
  ModelSettings,
  PromptMessage,
  ToolSpec,
} from '../../../domain/model';

export const SETTINGS: ModelSettings = {
  temperature: null,
  maxOutputTokens: null,
  reasoningEffort: null,
  maxReasoningTokens: null,
  verbosity: null,
  frequencyPenalty: null,
  strict: false,
  responseFormat: null,
};

export const ROLL: ToolSpec = {
  name: 'roll_dice',
  description: 'Rolls a die.',
  parameters: {
    type: 'object',
    properties: { sides: { type: 'integer' }, label: { type: 'string' } },
    required: ['sides'],
  },
};

export const system: PromptMessage = { role: 'system', text: 'You are kind.' };
export const user = (text: string): PromptMessage => ({ role: 'user', parts: [{ type: 'text', text }] });
/** A red pixel, as far as anybody looks. */
export const IMAGE = {
  type: 'image',
  source: { type: 'base64', mediaType: 'image/png', data: 'AAAA' },
} as const;
export const result = (
  toolCallId: string,
  text: string,
  name = 'roll_dice',
): Extract<PromptMessage, { role: 'tool' }> => ({
  role: 'tool',
  toolCallId,
  name,
  text,
});
export const assistant = (parts: ModelReply['parts']): PromptMessage => ({ role: 'assistant', parts });

/** A request with harmless defaults. */
export function modelRequest(fields: Partial<ModelRequest> = {}): ModelRequest {
  return {
    model: 'gpt-4.1',
    messages: [system, user('Hi')],
    tools: [],
    toolChoice: 'auto',
    parallelToolCalls: false,
    settings: SETTINGS,
    ...fields,
  };
}

/** What the events of a reply add up to, part by part: it must equal the reply itself. */
export function joinEvents(events: readonly ModelEvent[]): Record<number, string> {
  const parts: Record<number, string> = {};
  for (const event of events) {
    const text =
      event.type === 'tool-call-delta'
        ? `${event.name ? `${event.id}:${event.name}:` : ''}${event.arguments ?? ''}`
        : event.text;
    parts[event.index] = (parts[event.index] ?? '') + text;
  }
  return parts;
}

/** The same view of a reply's parts; parts without visible text are left out, as no event tells of them. */
export function joinParts({ parts }: ModelReply): Record<number, string> {
  const joined: Record<number, string> = {};
  parts.forEach((part, index) => {
    const text =
      part.type === 'tool_call'
        ? `${part.id}:${part.name}:${part.arguments}`
        : part.type === 'redacted_reasoning'
          ? ''
          : part.text;
    if (text !== '') joined[index] = text;
  });
  return joined;
}
