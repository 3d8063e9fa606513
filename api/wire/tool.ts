import { createHash } from 'node:crypto';
import { z } from 'zod';
import { DEFAULT_USER_ID } from '../../domain/ids';
import { isJsonObject } from '../../domain/agent';
import { AppError } from '../../domain/errors';
import type { ToolSource } from '../../domain/source-tool';
import type { Tool, ToolJsonSchema, ToolOutcome } from '../../domain/tool';
import { DEFAULT_RETURN_CHAR_LIMIT, type ToolFields, type ToolPatch } from '../../db/tools';
import { toWireSeconds } from './dates';
import { ApprovalExpiryField, fromWireExpiry, toWireExpiry } from './approval';
import { jsonObject, withoutNulls } from './fields';
import { queryFlag } from './query';

/** A tool as Letta's clients know it, with fields of our own: `effects`, and `network`, `approval_expiry` and `undo` where they are set. */
export const toWireTool = (tool: Tool) => ({
  id: tool.id,
  tool_type: tool.toolType,
  description: tool.description,
  source_type: tool.sourceType,
  name: tool.name,
  tags: tool.tags,
  source_code: tool.sourceCode,
  json_schema: tool.jsonSchema,
  args_json_schema: tool.argsJsonSchema,
  return_char_limit: tool.returnCharLimit,
  pip_requirements: tool.pipRequirements,
  npm_requirements: tool.npmRequirements,
  default_requires_approval: tool.defaultRequiresApproval,
  enable_parallel_execution: tool.enableParallelExecution,
  created_by_id: DEFAULT_USER_ID,
  last_updated_by_id: DEFAULT_USER_ID,
  metadata_: tool.metadata,
  project_id: null,
  effects: tool.effects,
  ...(tool.network !== null && { network: tool.network }),
  ...(tool.approvalExpiry && { approval_expiry: toWireExpiry(tool.approvalExpiry) }),
  ...(tool.undo !== null && { undo: tool.undo }),
});

/** The answer of a tool that was run by hand. The sandbox of this version has no configuration to fingerprint. */
export const toWireToolResult = (outcome: ToolOutcome) => ({
  status: outcome.status,
  func_return: outcome.result,
  agent_state: null,
  stdout: outcome.stdout ?? [],
  stderr: outcome.stderr ?? [],
  sandbox_config_fingerprint: null,
});

/** The same for a tool of an agent: as in the original, a failed one returns nothing; what it said is in `stderr`. */
export const toWireAgentToolResult = (outcome: ToolOutcome) =>
  outcome.status === 'success'
    ? toWireToolResult(outcome)
    : { ...toWireToolResult(outcome), func_return: null, stderr: outcome.stderr ?? [outcome.result] };

/** The answer of a source that was tried: a message about a call that no transcript has. */
export function toWireTrial(
  outcome: ToolOutcome,
  {
    id,
    callId,
    name,
    date,
  }: { readonly id: string; readonly callId: string; readonly name: string; readonly date: Date },
) {
  const said = {
    tool_return: outcome.result,
    status: outcome.status,
    tool_call_id: callId,
    stdout: outcome.stdout ?? [],
    stderr: outcome.stderr ?? [],
  };
  return {
    id,
    date: toWireSeconds(date),
    name,
    message_type: 'tool_return_message',
    otid: null,
    sender_id: null,
    step_id: null,
    is_err: null,
    seq_id: null,
    run_id: null,
    ...said,
    tool_returns: [{ type: 'tool', ...said }],
  };
}

// Names and versions only: an option, a path or an address would reach the installer.
const requirement = z.object({
  name: z.string().regex(/^[A-Za-z0-9@][A-Za-z0-9._/@-]*(\[[A-Za-z0-9,._-]+\])?$/, {
    error: "A requirement's `name` is the name of a package, without version or options",
  }),
  version: z
    .string()
    .regex(/^[A-Za-z0-9^~][A-Za-z0-9.!+_*-]*$/, {
      error: "A requirement's `version` is one version, such as '1.2.3'",
    })
    .nullish(),
});
// `transactional` is for tools that write to our own database in the ledger's transaction; no tool of a user does.
const effects = z
  .enum(['read', 'transactional', 'idempotent', 'once'])
  .refine((value) => value !== 'transactional', {
    message:
      "Only built-in tools can be 'transactional': their edits are stored with the ledger. Choose 'read', 'idempotent' or 'once'",
  });
const returnCharLimit = z.int32().min(1).max(1_000_000);
const toolFields = {
  description: z.string().nullish(),
  tags: z.array(z.string()).nullish(),
  source_type: z.string().nullish(),
  json_schema: jsonObject.nullish(),
  args_json_schema: jsonObject.nullish(),
  return_char_limit: returnCharLimit.nullish(),
  pip_requirements: z.array(requirement).nullish(),
  npm_requirements: z.array(requirement).nullish(),
  default_requires_approval: z.boolean().nullish(),
  enable_parallel_execution: z.boolean().nullish(),
  effects: effects.nullish(),
  /** Our own: whether the tool's code may reach public web servers. */
  network: z.boolean().nullish(),
  approval_expiry: ApprovalExpiryField.nullish(),
  /** The empty string takes it back. */
  undo: z.string().nullish(),
};

export const CreateToolBody = z.object({ ...toolFields, source_code: z.string() });
export type CreateToolBody = z.infer<typeof CreateToolBody>;
export const UpdateToolBody = z.object({
  ...toolFields,
  source_code: z.string().nullish(),
  metadata_: jsonObject.nullish(),
});
export type UpdateToolBody = z.infer<typeof UpdateToolBody>;
export const TrySourceBody = z.object({
  source_code: z.string(),
  args: jsonObject,
  env_vars: z
    .record(z.string().regex(/^[^=]+$/, { error: "The name of a variable has no '='" }), z.string())
    .nullish(),
  name: z.string().nullish(),
  source_type: z.string().nullish(),
  args_json_schema: jsonObject.nullish(),
  json_schema: jsonObject.nullish(),
  pip_requirements: z.array(requirement).nullish(),
  npm_requirements: z.array(requirement).nullish(),
  network: z.boolean().nullish(),
});
export type TrySourceBody = z.infer<typeof TrySourceBody>;
export const ToolEffectsBody = z.object({ effects: effects.nullable() });
export const RunToolBody = z.object({ args: jsonObject.nullish() });
// The TypeScript SDK sends the name of its own parameter, `body_requires_approval`.
const withApprovalName = (body: unknown): unknown =>
  isJsonObject(body) && !('requires_approval' in body) && 'body_requires_approval' in body
    ? { ...body, requires_approval: body['body_requires_approval'] }
    : body;
export const ToolApprovalBody = z.preprocess(
  withApprovalName,
  z.object({ requires_approval: z.boolean(), approval_expiry: ApprovalExpiryField.nullish() }),
);
export const ToolApprovalQuery = z.object({ requires_approval: queryFlag() });

/** The source that a tool's schema is to be read from; null where the client sent a schema, or nothing of either. */
export function sourceToRead(
  body: Pick<UpdateToolBody, 'source_code' | 'source_type' | 'json_schema' | 'args_json_schema'>,
  stored?: Pick<Tool, 'sourceCode' | 'sourceType'>,
): Omit<ToolSource, 'name'> | null {
  if (body.json_schema || !(body.source_code ?? body.args_json_schema)) return null;
  return {
    sourceCode: body.source_code ?? stored?.sourceCode ?? '',
    sourceType: body.source_type ?? stored?.sourceType ?? 'json',
    parameters: body.args_json_schema ?? null,
  };
}

/** The tool a creation asks for. Its schema is the client's own, or the one that was read from the source. */
export function fromWireTool(body: CreateToolBody, derived: ToolJsonSchema | null): ToolFields {
  const jsonSchema = declaredSchema(body, derived);
  return {
    name: jsonSchema.name,
    toolType: 'custom',
    description: jsonSchema.description,
    sourceType: body.source_type ?? 'json',
    sourceCode: body.source_code,
    jsonSchema,
    argsJsonSchema: body.args_json_schema ?? null,
    tags: [...new Set(body.tags ?? [])],
    returnCharLimit: body.return_char_limit ?? DEFAULT_RETURN_CHAR_LIMIT,
    pipRequirements: body.pip_requirements ?? null,
    npmRequirements: body.npm_requirements ?? null,
    defaultRequiresApproval: body.default_requires_approval ?? null,
    enableParallelExecution: body.enable_parallel_execution ?? false,
    effects: body.effects ?? 'once',
    network: body.network ?? null,
    approvalExpiry: body.approval_expiry ? fromWireExpiry(body.approval_expiry) : null,
    undo: body.undo || null,
    metadata: { tool_hash: sourceHash(body.source_code) },
  };
}

/**
 * The fields an update writes: those the client sent, except nulls. A changed source or schema is checked as at creation. A schema
 * without a source may bring another name: as in Letta it renames the tool, and the source is expected to follow.
 */
export function fromWireToolUpdate(
  body: UpdateToolBody,
  tool: Tool,
  derived: ToolJsonSchema | null,
): ToolPatch {
  const declaresSchema = Boolean(body.json_schema ?? derived);
  const jsonSchema = declaresSchema
    ? declaredSchema(
        {
          source_code: body.source_code ?? tool.sourceCode ?? '',
          json_schema: body.json_schema,
          args_json_schema: body.args_json_schema,
          description: body.description ?? (derived ? null : tool.description),
        },
        derived,
        typeof body.source_code === 'string',
      )
    : undefined;
  const written = withoutNulls({
    name: jsonSchema?.name,
    description: body.description ?? jsonSchema?.description,
    sourceType: body.source_type,
    sourceCode: body.source_code,
    jsonSchema: jsonSchema ?? describedAnew(tool.jsonSchema, body.description),
    argsJsonSchema: body.args_json_schema,
    tags: body.tags ? [...new Set(body.tags)] : undefined,
    returnCharLimit: body.return_char_limit,
    pipRequirements: body.pip_requirements,
    npmRequirements: body.npm_requirements,
    enableParallelExecution: body.enable_parallel_execution,
    effects: body.effects,
    network: body.network,
    metadata: updatedMetadata(body, tool),
    defaultRequiresApproval: body.default_requires_approval,
  });
  return {
    ...written,
    ...(body.approval_expiry && { approvalExpiry: fromWireExpiry(body.approval_expiry) }),
    ...(typeof body.undo === 'string' && { undo: body.undo || null }),
  };
}

function updatedMetadata(body: UpdateToolBody, tool: Tool): Tool['metadata'] | undefined {
  if (!body.metadata_ && !body.source_code) return undefined;
  const hash = body.source_code ? { tool_hash: sourceHash(body.source_code) } : {};
  return { ...(body.metadata_ ?? tool.metadata), ...hash };
}

const describedAnew = (schema: ToolJsonSchema, description: string | null | undefined) =>
  typeof description === 'string' ? { ...schema, description } : undefined;

const sourceHash = (source: string): string => createHash('sha256').update(source).digest('hex').slice(0, 12);

type SchemaSource = Pick<CreateToolBody, 'source_code' | 'json_schema' | 'args_json_schema' | 'description'>;

function declaredSchema(
  { source_code: source, json_schema: own, ...body }: SchemaSource,
  derived: ToolJsonSchema | null,
  isSourceGiven = true,
): ToolJsonSchema {
  const given: Readonly<Record<string, unknown>> = own ?? { ...derived };
  const name = nameIn(given) ?? definedFunctions(source).at(-1) ?? null;
  if (name === null) throw underivable('neither `json_schema` nor the source code names the function');
  checkToolName(name);
  if (own && isSourceGiven) checkIsDefined(name, source);
  const parameters = given['parameters'] ?? body.args_json_schema ?? NO_PARAMETERS;
  const checked = ParametersSchema.safeParse(parameters);
  if (!checked.success) throw underivable('`parameters` must be a JSON schema of type object');
  const described = body.description ?? given['description'];
  return {
    ...given,
    name,
    description: typeof described === 'string' ? described : '',
    parameters: checked.data,
  };
}

// A schema and a source that come together and name different functions could never be called.
function checkIsDefined(name: string, source: string): void {
  const defined = definedFunctions(source);
  if (defined.length === 0 || defined.includes(name)) return;
  throw new AppError(
    'INVALID_ARGUMENT',
    `Tool name mismatch: \`json_schema\` names '${name}' and the source code defines ${defined.map((each) => `'${each}'`).join(', ')}. ` +
      'Give both the same name.',
  );
}

// Providers refuse tools whose arguments are not an object, and with them every turn of the agent.
const ParametersSchema = z.looseObject({
  type: z.literal('object').default('object'),
  properties: jsonObject.default({}),
});
const NO_PARAMETERS = { type: 'object', properties: {}, required: [] };

const nameIn = (schema: Readonly<Record<string, unknown>> | null | undefined): string | null =>
  typeof schema?.['name'] === 'string' ? schema['name'] : null;

/** The functions of a source, in order. As in Letta, the last one is the tool. */
function definedFunctions(source: string): readonly string[] {
  const names = source.matchAll(/^(?:async\s+)?def\s+(\w+)|^export\s+(?:async\s+)?function\s+(\w+)/gm);
  return [...names].flatMap((match) => match[1] ?? match[2] ?? []);
}

const MAX_TOOL_NAME_LENGTH = 48;

function checkToolName(name: string): void {
  if (name.length <= MAX_TOOL_NAME_LENGTH && /^[A-Za-z0-9_-]+$/.test(name)) return;
  throw new AppError(
    'INVALID_ARGUMENT',
    `Tool name '${name.slice(0, 100)}' is invalid. Use 1 to ${MAX_TOOL_NAME_LENGTH} letters, digits, underscores and hyphens.`,
  );
}

const underivable = (reason: string): AppError =>
  new AppError('INVALID_ARGUMENT', `Failed to derive json schema: Schema generation failed: ${reason}.`);
