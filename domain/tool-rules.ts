import { toPythonRepr } from './python-repr';

/**
 * A rule exactly as Letta's clients send it and as it is stored on the agent, hence the snake_case: rules pass through
 * the server unchanged, and only this file interprets them.
 */
export type ToolRule = { readonly tool_name: string; readonly prompt_template?: string | null } & (
  | { readonly type: 'run_first'; readonly args?: Prefilled }
  | { readonly type: 'exit_loop' | 'continue_loop' | 'required_before_exit' | 'requires_approval' }
  | { readonly type: 'max_count_per_step'; readonly max_count_limit: number }
  | { readonly type: 'parent_last_tool'; readonly children: readonly string[] }
  | ChildRule
  | ConditionalRule
);
interface ChildRule {
  readonly type: 'constrain_child_tools';
  readonly children: readonly string[];
  readonly child_arg_nodes?: readonly { readonly name: string; readonly args?: Prefilled }[] | null;
}
interface ConditionalRule {
  readonly type: 'conditional';
  readonly child_output_mapping: Readonly<Record<string, string>>;
  readonly default_child?: string | null;
  readonly require_output_mapping?: boolean;
}
type Prefilled = Readonly<Record<string, unknown>> | null;

/** The rules in their order, each once. */
export const uniqueRules = (rules: readonly ToolRule[]): readonly ToolRule[] => [
  ...new Map(rules.map((rule) => [JSON.stringify(rule), rule])).values(),
];

/** A tool call of this request that ran, with the text it returned. Rules look at the request only, not at earlier turns. */
export interface CalledTool {
  readonly name: string;
  readonly result: string;
}

/** What the rules decide about: the agent's tools, and the calls so far, oldest first. */
export interface ToolRuleState {
  readonly rules: readonly ToolRule[];
  readonly toolNames: readonly string[];
  readonly called: readonly CalledTool[];
}

/**
 * The tools the model may call next, in the order of `toolNames`. Before the first call those of `run_first`, after it
 * what every rule allows. Rules that leave nothing would brick the agent: then all tools are allowed, as in Letta.
 */
export function allowedTools(state: ToolRuleState): readonly string[] {
  const allowed = permitted(state);
  return allowed.length > 0 ? allowed : state.toolNames;
}

/**
 * How the model is asked for its next call. After a tool whose successors a rule names (and for `run_first`) it has to make
 * one; everything else leaves the choice, so that the model can answer in words.
 */
export function forcedChoice(state: ToolRuleState): 'auto' | 'required' | { readonly name: string } {
  const [only, ...others] = allowedTools(state);
  if (only === undefined || !isForced(state)) return 'auto';
  return others.length === 0 ? { name: only } : 'required';
}

const CONSTRAINT = '[ToolConstraintError]';

/** Whether a call was refused by a rule instead of run: rules do not count it. */
export const isRefused = (result: string): boolean => result.startsWith(CONSTRAINT);

/** What a model reads that called a tool outside the allowed ones. The text is Letta's. */
export function constraintError(name: string, allowed: readonly string[]): string {
  const names = toPythonRepr([...allowed].sort());
  return `${CONSTRAINT} Cannot call ${name}, valid tools include: ${names}.`;
}

/**
 * Whether the turn stops (stop reason `tool_rule`) after the tools of the last reply ran, failed ones included. Tools
 * that are required before the exit and were not called yet keep it going.
 */
export function endsTurn(state: ToolRuleState, lastTools: readonly string[]): boolean {
  const exits = state.rules.some((rule) => rule.type === 'exit_loop' && lastTools.includes(rule.tool_name));
  return exits && missingBeforeExit(state).length === 0;
}

/**
 * The tools the model still has to call before the turn may end. While there are any, an answer in words does not end
 * it either.
 */
export function missingBeforeExit({ rules, toolNames, called }: ToolRuleState): readonly string[] {
  const isRequired = (name: string) =>
    rules.some((rule) => rule.type === 'required_before_exit' && rule.tool_name === name);
  return toolNames.filter((name) => isRequired(name) && !called.some((call) => call.name === name));
}

/** The tools still missing after a call that would have ended the turn; none after any other call. */
export function missingAfterExit(state: ToolRuleState): readonly string[] {
  const last = state.called.at(-1);
  const exits = state.rules.some((rule) => rule.type === 'exit_loop' && rule.tool_name === last?.name);
  return exits ? missingBeforeExit(state) : [];
}

/** What the model is told when it tries to end a turn too early. */
export const missingBeforeExitNote = (missing: readonly string[]): string =>
  `The turn cannot end yet: these tools must be called first: ${missing.join(', ')}. Call them, then answer.`;

/**
 * Arguments that a rule fixes for the next call of `name`; they replace those of the model, key by key. Empty when no
 * rule applies at this point of the turn.
 */
export function prefilledArguments(
  { rules, called }: ToolRuleState,
  name: string,
): Readonly<Record<string, unknown>> {
  const last = called.at(-1);
  const nodes = rules.flatMap((rule) => {
    if (rule.type === 'run_first') return last ? [] : [{ name: rule.tool_name, args: rule.args }];
    if (rule.type === 'constrain_child_tools')
      return rule.tool_name === last?.name ? (rule.child_arg_nodes ?? []) : [];
    return [];
  });
  const fixed = nodes.filter((node) => node.name === name).flatMap((node) => Object.entries(node.args ?? {}));
  return Object.fromEntries(fixed);
}

/** Whether a rule asks a human before each call of `name`. */
export const needsApproval = (rules: readonly ToolRule[], name: string): boolean =>
  rules.some((rule) => rule.type === 'requires_approval' && rule.tool_name === name);

/** Whether one reply may hold several calls: rules about their order only make sense one call at a time. */
export const allowsParallelCalls = (rules: readonly ToolRule[]): boolean =>
  rules.every((rule) => rule.type === 'requires_approval');

function permitted({ rules, toolNames, called }: ToolRuleState): readonly string[] {
  const first = rules.flatMap((rule) => (rule.type === 'run_first' ? [rule.tool_name] : []));
  if (called.length === 0 && first.length > 0) return toolNames.filter((name) => first.includes(name));
  return toolNames.filter((name) => rules.every((rule) => permits(rule, name, called)));
}

function permits(rule: ToolRule, name: string, called: readonly CalledTool[]): boolean {
  const last = called.at(-1);
  const followsRule = last?.name === rule.tool_name;
  switch (rule.type) {
    case 'constrain_child_tools':
      return !followsRule || rule.children.includes(name);
    case 'parent_last_tool':
      return rule.children.includes(name) === followsRule;
    case 'conditional':
      return !followsRule || successorsOf(rule, last)?.includes(name) !== false;
    case 'max_count_per_step':
      return (
        name !== rule.tool_name || called.filter((call) => call.name === name).length < rule.max_count_limit
      );
    default:
      return true;
  }
}

function isForced({ rules, toolNames, called }: ToolRuleState): boolean {
  const last = called.at(-1);
  return rules.some((rule) => {
    switch (rule.type) {
      case 'run_first':
        return last === undefined && toolNames.includes(rule.tool_name);
      case 'constrain_child_tools':
      case 'conditional':
      case 'parent_last_tool':
        return rule.tool_name === last?.name;
      default:
        return false;
    }
  });
}

/** The tools a conditional rule allows after `call`; null leaves them all. */
function successorsOf(rule: ConditionalRule, call: CalledTool): readonly string[] | null {
  const match = Object.entries(rule.child_output_mapping).find(([expected]) =>
    isSameOutput(expected, call.result),
  );
  if (match) return [match[1]];
  if (rule.require_output_mapping) return [];
  return rule.default_child ? [rule.default_child] : null;
}

// JSON keys are text, but rules are written for Python results: True for "true", 1.0 for "1".
function isSameOutput(expected: string, result: string): boolean {
  if (expected === result) return true;
  if (/^(true|false)$/i.test(expected)) return expected.toLowerCase() === result.toLowerCase();
  return /^-?\d+(\.\d+)?$/.test(expected) && result.trim() !== '' && Number(expected) === Number(result);
}
