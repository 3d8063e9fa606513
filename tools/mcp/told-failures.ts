import { AppError, type ErrorCode } from '../../domain/errors';
import type { McpCall } from '../../domain/mcp';
import { mcpSecretsOf, type McpTarget, withoutSecrets } from '../../domain/mcp-server';
import type { ToolOutcome } from '../../domain/tool';
import { failedOutcome, toolError } from '../../domain/tool-failure';
import { type McpFailure, type McpFailureKind, mayHaveActed } from './failures';

const MAX_LENGTH = 500;

/** What is said of a failure, without the server's secrets. */
const told = ({ name, config }: McpTarget, { message }: McpFailure): string =>
  withoutSecrets(`MCP server '${name}': ${message.slice(0, MAX_LENGTH)}`, mcpSecretsOf(config));

const CODES: Partial<Record<McpFailureKind, ErrorCode>> = {
  timeout: 'MCP_TIMEOUT',
  unauthorized: 'MCP_UNAUTHORIZED',
};

/** The failure for whoever asked the API. */
export const toAppError = (target: McpTarget, failure: McpFailure): AppError =>
  new AppError(CODES[failure.kind] ?? 'MCP_UNAVAILABLE', `${told(target, failure)}.`);

/** What the model reads of a call that brought nothing; `OUTCOME_UNKNOWN` where nobody can say whether it acted. */
export function failedCall(target: McpTarget, call: McpCall, failure: McpFailure): ToolOutcome {
  const text = told(target, failure);
  if (failure.kind === 'answered')
    return failedOutcome(call.name, toolError('RuntimeError', `The tool failed. ${text}`));
  if (!mayHaveActed(failure))
    return failedOutcome(call.name, toolError('ConnectionError', `The tool did not run. ${text}.`));
  if (call.effects === 'read') {
    const exception = failure.kind === 'timeout' ? 'TimeoutError' : 'ConnectionError';
    return failedOutcome(call.name, toolError(exception, `The tool gave no result. ${text}.`));
  }
  throw new AppError('OUTCOME_UNKNOWN', `The outcome of ${call.name} is unknown. ${text}.`);
}
