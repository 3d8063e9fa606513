import { z } from 'zod';
import type { ToolRule } from '../../domain/tool-rules';
import { int32, jsonObject } from './fields';

const rule = <T extends string, Fields extends z.ZodRawShape>(type: T, fields: Fields) =>
  z.object({
    tool_name: z.string(),
    type: z.literal(type),
    prompt_template: z
      .string()
      .nullish()
      .transform((text) => text ?? null),
    ...fields,
  });

const argsField = jsonObject.nullish().transform((args) => args ?? null);
const childNode = z.object({ name: z.string(), args: argsField });
const names = z.array(z.string());

/** A tool rule as clients send it, with the keys they left out: it is stored and shown in this form. */
export const ToolRuleBody: z.ZodType<ToolRule> = z.discriminatedUnion('type', [
  rule('run_first', { args: argsField }),
  rule('exit_loop', {}),
  rule('continue_loop', {}),
  rule('required_before_exit', {}),
  rule('requires_approval', {}),
  rule('max_count_per_step', { max_count_limit: int32.min(0) }),
  rule('parent_last_tool', { children: names }),
  rule('constrain_child_tools', {
    children: names,
    child_arg_nodes: z
      .array(childNode)
      .nullish()
      .transform((nodes) => nodes ?? null),
  }).refine(
    ({ children, child_arg_nodes: nodes }) => (nodes ?? []).every(({ name }) => children.includes(name)),
    'child_arg_nodes may only name children of the rule',
  ),
  rule('conditional', {
    default_child: z
      .string()
      .nullish()
      .transform((name) => name ?? null),
    child_output_mapping: z
      .record(z.string(), z.string())
      .refine(
        (mapping) => Object.keys(mapping).length > 0,
        'A conditional rule needs at least one child tool',
      ),
    require_output_mapping: z.boolean().default(false),
  }),
]);
