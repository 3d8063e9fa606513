import type { CompactionTrigger } from '../domain/compaction';
import { countableText, fitsSurely, isFull, sizesOf, sum, toolText } from '../domain/context-size';
import { AppError } from '../domain/errors';
import { toPrompt } from '../domain/prompt';
import type { StepPlan } from '../domain/plan-step';
import type { OpenedStep } from '../domain/turn-state';
import type { ActivityDeps } from './deps';

type Deps = Pick<ActivityDeps, 'compactions' | 'countTokens'>;
interface Asked {
  readonly step: OpenedStep;
  readonly plan: StepPlan;
  readonly window: number;
}

/**
 * Whether the context has to get smaller before the model is asked. What the provider counted last is believed, and only
 * what came after it is estimated; a context that is surely small enough costs no question at all.
 */
export async function checkContext(
  deps: Deps,
  { step, plan, window }: Asked,
): Promise<CompactionTrigger | null> {
  if (fitsSurely({ messages: plan.prompt, tools: plan.tools }, window)) return null;
  const reported = await deps.compactions.reported(step.conversationId);
  if (reported && isFull(reported.tokens, window)) return 'post_step_context_check';
  const known = reported ? step.context.findIndex(({ id }) => id === reported.messageId) + 1 : 0;
  const added = plan.prompt.slice(toPrompt(step.context.slice(0, known)).length);
  const base = reported && known > 0 ? reported.tokens : 0;
  const tools = base > 0 ? [] : plan.tools;
  if (fitsSurely({ messages: added, tools }, window - base)) return null;
  const tokens =
    base + sum(await sizesOf(added, deps.countTokens)) + sum(await deps.countTokens([toolText(tools)]));
  return isFull(tokens, window) ? 'pre_step_context_check' : null;
}

/** The end of a turn whose context is too long though nothing can be taken out of it any more. */
export async function finalOverflow(deps: Deps, { plan, window }: Asked, error: AppError): Promise<AppError> {
  const [system] = plan.prompt;
  if (system?.role !== 'system') return error;
  const tokens = sum(await deps.countTokens([countableText(system), toolText(plan.tools)]));
  if (tokens < window) return error;
  return new AppError(
    'SYSTEM_PROMPT_OVERFLOW',
    `The system prompt and the tools take about ${tokens} tokens; the context window has ${window}. Shorten the ` +
      `instructions or memory blocks, or detach tools. The provider said: ${error.message}`,
    { cause: error },
  );
}
