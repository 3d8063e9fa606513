import { settledNote } from './effect';
import { DEFAULT_USER_ID } from './ids';
import type { ModelInfo, ModelRequest, PromptMessage, ToolSpec } from './model';
import { fromInput, memoryNote, toPrompt, toToolSpecs, type MemorySeen, type PromptSource } from './prompt';
import {
  allowedTools,
  allowsParallelCalls,
  forcedChoice,
  isRefused,
  missingAfterExit,
  missingBeforeExitNote,
  type CalledTool,
  type ToolRuleState,
} from './tool-rules';
import { folderNote } from './folder-note';
import { skillsNote } from './skills-note';
import type { ClientTool } from './turn-request';
import type { NewMessage, OfferedTool, OpenedStep } from './turn-state';
import { wholeTranscript } from './whole-transcript';

/** Everything one model call is about to read, and the messages it brings into the thread if it succeeds. */
export interface StepPlan {
  readonly prompt: readonly PromptMessage[];
  readonly tools: readonly ToolSpec[];
  readonly toolChoice: ModelRequest['toolChoice'];
  readonly user: string;
  readonly newMessages: readonly NewMessage[];
  readonly memorySeen: MemorySeen | null;
  /** The tools the model may call now. */
  readonly offered: readonly OfferedTool[];
  /** Whether a reply may hold several calls. Otherwise the first one counts. */
  readonly isParallel: boolean;
  readonly rules: ToolRuleState;
  readonly isLastStep: boolean;
  /** Watchers see calls by which the agent speaks as calls. */
  readonly showsCalls: boolean;
}

/** The moment of a step, and the ids of the notes that it may bring. */
export interface NotesOfStep {
  readonly now: Date;
  readonly noteId: string;
  readonly skillsNoteId: string;
  readonly folderNoteId: string;
}

/**
 * Builds the prompt of a step. The first step of a turn brings its input, and notes of what changed elsewhere; each step
 * brings what was steered at the turn meanwhile.
 */
export function planStep(
  step: OpenedStep,
  { now, noteId, skillsNoteId, folderNoteId }: NotesOfStep,
): StepPlan {
  const note = step.step === 0 ? memoryNote(step.blocks, step.memorySeen) : null;
  const skills = skillsNote(step.request.clientSkills, step.context);
  const folders = step.folders ? folderNote(step.folders, step.context, step.contextLimit) : null;
  const input = step.step === 0 ? step.request.messages : [];
  const settled = step.step === 0 ? step.settledEffects : [];
  const tools = toolsOfTurn(step);
  const rules = {
    rules: step.toolRules,
    toolNames: tools.map(({ name }) => name),
    called: calledTools(step),
  };
  const missing = hasToolsJustRun(step) ? missingAfterExit(rules) : [];
  const notes = [
    ...settled.map((effect) => toNote(effect.noteId, settledNote(effect))),
    ...(note ? [toNote(noteId, note.text)] : []),
    ...(skills !== null ? [toNote(skillsNoteId, skills)] : []),
    ...(folders !== null ? [toNote(folderNoteId, folders)] : []),
    ...(missing.length > 0 ? [toNote(noteId, missingBeforeExitNote(missing))] : []),
  ];
  const steered = step.steered.flatMap(({ runId, messages }) =>
    messages.map((message) => ({ ...message, runId })),
  );
  const added: readonly PromptSource[] = [
    ...notes.map((message) => ({ ...message, createdAt: now })),
    ...[...input, ...steered].map((message) => fromInput(message, now)),
  ];
  const allowed = allowedTools(rules);
  const offered = tools.filter(({ name }) => allowed.includes(name));
  return {
    prompt: toPrompt([...withOverride(step), ...added]),
    tools: toToolSpecs(offered),
    toolChoice: offered.length === 0 ? 'none' : forcedChoice(rules),
    user: DEFAULT_USER_ID,
    newMessages: [...notes, ...[...input, ...steered].map((message) => ({ ...message, inContext: true }))],
    memorySeen: note?.seen ?? null,
    offered,
    isParallel: step.parallelToolCalls && allowsParallelCalls(step.toolRules),
    rules,
    isLastStep: step.step + 1 >= step.maxSteps,
    showsCalls: step.request.showsCalls === true,
  };
}

/** What a model is asked in a step. */
export function toModelRequest(
  step: OpenedStep,
  plan: StepPlan,
  info: Pick<ModelInfo, 'name'>,
): ModelRequest {
  return {
    model: info.name,
    messages: plan.prompt,
    tools: plan.tools,
    toolChoice: plan.toolChoice,
    parallelToolCalls: plan.isParallel,
    settings: step.settings,
    user: plan.user,
    conversationId: step.conversationId,
  };
}

/** Whether this step follows on results of the turn's tools; then it is never the first one. */
const hasToolsJustRun = ({ step, context }: OpenedStep): boolean =>
  step > 0 && context.at(-1)?.role === 'tool';

/** The agent's tools and those that the client brings for this turn. */
function toolsOfTurn({ tools, request }: OpenedStep): readonly OfferedTool[] {
  const brought = request.clientTools ?? [];
  const isHidden = (name: string) => brought.some((tool) => tool.name === name);
  return [...tools.filter(({ name }) => !isHidden(name)), ...brought.map(toOffered)];
}

// A client's tool always waits: for the client that runs it.
const toOffered = (tool: ClientTool): OfferedTool => ({
  id: '',
  name: tool.name,
  jsonSchema: tool,
  effects: 'once',
  enableParallelExecution: false,
  requiresApproval: true,
  isClient: true,
});

/** A message that only the model reads. */
export const toNote = (id: string, text: string): NewMessage => ({
  id,
  role: 'note',
  parts: [{ type: 'text', text }],
  name: null,
  otid: null,
  senderId: null,
  inContext: true,
});

/** The tools this turn has called so far, in order, with what they returned. */
const calledTools = (step: OpenedStep): readonly CalledTool[] => [
  ...(step.calledBefore ?? []),
  ...step.context
    .filter((message) => message.runId === step.runId)
    .flatMap((message) => message.parts)
    .flatMap((part) =>
      part.type === 'tool_return' && !isRefused(part.result)
        ? [{ name: part.name, result: part.result }]
        : [],
    ),
];

function withOverride(step: OpenedStep): readonly PromptSource[] {
  const { overrideSystem } = step.request;
  const context = wholeTranscript(step.context);
  if (overrideSystem === null) return context;
  return context.map((message, index) =>
    index === 0 && message.role === 'system'
      ? { ...message, parts: [{ type: 'text', text: overrideSystem }] }
      : message,
  );
}
