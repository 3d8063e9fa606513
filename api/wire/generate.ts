import { z } from 'zod';
import { usageOf } from '../../domain/usage';
import type { Completion } from '../generate';
import { jsonObject } from './fields';
import { toWireUsage } from './usage';

export const GenerateBody = z.object({
  prompt: z.string().regex(/\S/, { error: 'is empty: say what the model is to answer' }),
  system_prompt: z.string().nullish(),
  override_model: z.string().nullish(),
  response_schema: jsonObject.nullish(),
});
export type GenerateBody = z.infer<typeof GenerateBody>;

/** What `generate` answers. No step of an agent was taken for it, and no context was filled. */
export const toWireCompletion = ({ content, model, usage }: Completion) => ({
  content,
  model,
  usage: toWireUsage({ ...usageOf([usage]), stepCount: 0, contextTokens: null }),
});
