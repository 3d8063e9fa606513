import type { Router } from 'express';
import { AppError } from '../../domain/errors';
import type { ToolJsonSchema } from '../../domain/tool';
import { newId } from '../../new-id';
import type { ApiDeps } from '../deps';
import { runTrial } from '../run-by-hand';
import { fromWireTool, sourceToRead, toWireTrial, TrySourceBody } from '../wire/tool';
import { parseBody } from '../wire/validation';

/** A source that is tried without an agent: nothing of it is kept. A worker runs it, as it runs every tool. */
export function addTrialRoute(
  router: Router,
  { db, deriveSchema, turns }: Pick<ApiDeps, 'db' | 'deriveSchema' | 'turns'>,
): void {
  router.post('/tools/run', async (req, res) => {
    const { args, env_vars: env, name, ...body } = parseBody(TrySourceBody, req.body);
    const source = sourceToRead(body);
    const derived = source && (await deriveSchema({ ...source, name: name ?? null }));
    const tool = { ...fromWireTool(body, derived), id: newId('tool') };
    checkName(name, tool.jsonSchema);
    const { id, outcome } = await runTrial({ db, turns }, req, { tool, args, env: env ?? {} });
    res.json(toWireTrial(outcome, { id: newId('message'), callId: id, name: tool.name, date: new Date() }));
  });
}

function checkName(name: string | null | undefined, schema: ToolJsonSchema): void {
  if (name === null || name === undefined || name === schema.name) return;
  throw new AppError(
    'INVALID_ARGUMENT',
    `Tool name mismatch: \`name\` is '${name}' and the schema names '${schema.name}'. Give both the same name.`,
  );
}
