import { z } from 'zod';
import { AppError } from '../../domain/errors';
import { isJsonObject } from '../../domain/agent';
import { findUnstorable } from '../middleware/storable-input';
import { readUpload } from '../middleware/upload';
import { invalid, parseBody } from '../wire/validation';
import { isOlderFile, OlderAgentFile } from './older-file';
import { AgentFile } from './schema';

const MAX_FILE_BYTES = 50 * 1024 * 1024;
/** Reads an uploaded agent file into `req.file` and `req.body`. */
export const readAgentFile = readUpload({ maxBytes: MAX_FILE_BYTES, what: 'agent file' });

const flag = z.preprocess(
  (value) => (typeof value === 'string' ? (FLAGS[value.toLowerCase()] ?? value) : value),
  z.boolean(),
);
const FLAGS: Readonly<Record<string, boolean>> = { true: true, '1': true, on: true, yes: true, false: false, '0': false, off: false, no: false }; // prettier-ignore
const text = z.preprocess((value) => (value === '' ? null : value), z.string().nullish());
/** Names with their values, as an object or as its JSON. */
const environment = z.preprocess((value, context) => {
  if (typeof value !== 'string' || value === '') return value === '' ? null : value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    context.addIssue({ code: 'custom', message: 'Input should be a JSON object of strings' });
    return z.NEVER;
  }
}, z.record(z.string(), z.string()).nullish());

const ImportOptions = z.object({
  append_copy_suffix: flag.default(true),
  override_existing_tools: flag.default(true),
  strip_messages: flag.default(false),
  name: text,
  override_name: text,
  model: text,
  override_model_handle: text,
  embedding: text,
  override_embedding_handle: text,
  secrets: environment,
  env_vars_json: environment,
  project_id: text,
});
export type ImportOptions = z.infer<typeof ImportOptions>;

/** The file of a request and what is to become of it: parts of a form, or JSON that is the file or holds it as `file`. */
export function readImport(
  body: unknown,
  uploaded: Buffer | undefined,
): { readonly file: AgentFile; readonly options: ImportOptions } {
  const fields = isJsonObject(body) ? body : {};
  const options = parseBody(ImportOptions, fields);
  if (uploaded) return { file: parseFile(parseJson(uploaded.toString('utf8'))), options };
  const isFile = 'agents' in fields || isOlderFile(fields);
  const given = 'file' in fields ? fields['file'] : isFile ? fields : undefined;
  if (given === undefined) {
    throw invalid([{ type: 'missing', loc: ['body', 'file'], msg: 'Field required', input: null }]);
  }
  return { file: parseFile(typeof given === 'string' ? parseJson(given) : given), options };
}

/** The SDKs call an exported file a string, so one that was written as JSON twice is read as well. */
function parseJson(json: string): unknown {
  try {
    const value = JSON.parse(json.replace(/^\uFEFF/, '')) as unknown;
    return typeof value === 'string' ? (JSON.parse(value) as unknown) : value;
  } catch (cause) {
    throw badFile('it is not JSON', cause);
  }
}

function parseFile(value: unknown): AgentFile {
  const unstorable = findUnstorable(value, 'body');
  if (unstorable) throw badFile(`${unstorable.loc.slice(1).join('.')}: ${unstorable.msg}`);
  const isOlder = isJsonObject(value) && isOlderFile(value);
  const result = isOlder ? OlderAgentFile.safeParse(value) : AgentFile.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw badFile(`${issue?.path.join('.') || 'the file'}: ${issue?.message ?? 'is not an agent file'}`);
}

export const badFile = (problem: string, cause?: unknown): AppError =>
  new AppError('INVALID_ARGUMENT', `INVALID_ARGUMENT: The agent file can't be imported: ${problem}.`, {
    cause,
  });
