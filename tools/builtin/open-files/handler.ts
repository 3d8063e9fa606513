import {
  type AgentFile,
  type FileRange,
  MOST_CHARACTERS,
  renderView,
  viewOf,
} from '../../../domain/agent-files';
import { isJsonObject } from '../../../domain/agent';
import type { AgentFiles } from '../../../domain/ports';
import type { ToolArguments } from '../../../domain/tool-arguments';
import { toolError } from '../../../domain/tool-failure';
import { integerArgument, type ReadHandler } from '../../handler';

const MOST_NAMES = 50;
const LINES = { min: 0, max: 2 ** 31 - 1 };

type Wanted = FileRange & { readonly file: AgentFile };

/** Opens files and answers with what is in them: the prompt before stays as it is. */
export const createOpenFiles =
  (files: AgentFiles): ReadHandler =>
  async (args, { agentId }) => {
    const there = await files.list(agentId);
    const { mostOpen, charLimit } = await files.limits(agentId);
    const wanted = readRequests(args).map((request) => toWanted(request, there));
    if (wanted.length > mostOpen) {
      throw toolError('ValueError', `${wanted.length} files are more than may be open at once (${mostOpen}). Open fewer.`); // prettier-ignore
    }
    const ranges = new Map(wanted.map(({ file, ...range }) => [file.id, { id: file.id, ...range }]));
    const limit = Math.min(charLimit, Math.floor(MOST_CHARACTERS / wanted.length));
    const closeOthers = args['close_all_others'] === true;
    const { excerpts, closed } = await files.open(agentId, [...ranges.values()], { closeOthers, limit });
    const texts = wanted.map(({ file, ...range }) => {
      const excerpt = excerpts.get(file.id);
      if (!excerpt) return `[${file.path} was deleted a moment ago]`;
      return renderView(file.path, viewOf(excerpt, range, limit), range);
    });
    const note = closed.length === 0 ? [] : [`[Closed: ${closed.join(', ')}]`];
    return [...texts, ...note].join('\n\n');
  };

function readRequests(args: ToolArguments): readonly ToolArguments[] {
  const given = args['file_requests'];
  if (!Array.isArray(given) || given.length === 0) {
    throw toolError('ValueError', `argument 'file_requests' must name at least one file`);
  }
  return given.map((request: unknown) => (isJsonObject(request) ? request : { file_name: request }));
}

function toWanted(request: ToolArguments, there: readonly AgentFile[]): Wanted {
  const offset = integerArgument(request, 'offset', { ...LINES, fallback: 0 });
  const length = typeof request['length'] === 'number' ? integerArgument(request, 'length', { ...LINES, min: 1, fallback: 1 }) : null; // prettier-ignore
  return {
    file: findFile(request['file_name'], there),
    firstLine: offset === 0 ? null : offset + 1,
    lastLine: length === null ? null : Math.min(offset + length, LINES.max),
  };
}

/** By its path, or by its name where one file alone has it. */
function findFile(name: unknown, there: readonly AgentFile[]): AgentFile {
  const exact = there.find(({ path }) => path === name);
  const named = there.filter(({ path }) => path.slice(path.indexOf('/') + 1) === name);
  const file = exact ?? (named.length === 1 ? named[0] : undefined);
  if (file) return file;
  throw toolError('ValueError', `There is no file '${String(name)}'. ${namesOf(there)}`);
}

function namesOf(there: readonly AgentFile[]): string {
  if (there.length === 0) return 'Your folders hold no files.';
  const names = there.slice(0, MOST_NAMES).map(({ path }) => path);
  const rest = there.length > MOST_NAMES ? `, and ${there.length - MOST_NAMES} more` : '';
  return `Your folders hold: ${names.join(', ')}${rest}.`;
}
