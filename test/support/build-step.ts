import type { Message, MessagePart, MessageRole } from '../../domain/message';
import type { ToolEffects } from '../../domain/tool';
import type { OfferedTool, OpenedStep } from '../../domain/turn-state';

/** A tool an agent may call. */
export const buildOffered = (
  name: string,
  { effects = 'read', ...facts }: Partial<OfferedTool> & { effects?: ToolEffects } = {},
): OfferedTool => ({
  id: `tool-${name}`,
  name,
  jsonSchema: { name, description: `What ${name} does.`, parameters: { type: 'object' } },
  effects,
  enableParallelExecution: true,
  requiresApproval: false,
  ...facts,
});

/** A stored message of run-1. */
export const buildMessage = (
  role: MessageRole,
  parts: readonly MessagePart[] | string,
  facts: Partial<Message> = {},
): Message => ({
  id: `message-${role}`,
  conversationId: 'agent-1',
  agentId: 'agent-1',
  runId: 'run-1',
  stepId: 'step-1',
  role,
  parts: typeof parts === 'string' ? [{ type: 'text', text: parts }] : parts,
  name: null,
  otid: null,
  senderId: null,
  createdAt: new Date(0),
  ...facts,
});

/** The first step of run-1, whose user says "Hi", with the facts given. */
export const buildStep = (facts: Partial<OpenedStep> = {}): OpenedStep => ({
  runId: 'run-1',
  agentId: 'agent-1',
  conversationId: 'agent-1',
  stepId: 'step-1',
  step: 0,
  attempt: 1,
  settledEffects: [],
  steered: [],
  maxSteps: 50,
  streamTokens: false,
  request: {
    messages: [{ id: 'message-in', role: 'user', parts: [{ type: 'text', text: 'Hi' }], name: null, otid: null, senderId: null }], // prettier-ignore
    approvals: null,
    overrideModel: null,
    overrideSystem: null,
  },
  model: 'openai/gpt-4.1',
  contextLimit: null,
  settings: {
    temperature: null,
    maxOutputTokens: null,
    reasoningEffort: null,
    maxReasoningTokens: null,
    verbosity: null,
    frequencyPenalty: null,
    strict: false,
    responseFormat: null,
  },
  parallelToolCalls: true,
  toolRules: [],
  tools: [],
  blocks: [],
  memorySeen: {},
  context: [buildMessage('system', 'Be brief.', { runId: null })],
  ...facts,
});
