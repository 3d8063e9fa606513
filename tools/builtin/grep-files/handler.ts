import type { LineMatch } from '../../../domain/agent-files';
import type { AgentFiles } from '../../../domain/ports';
import { toolError } from '../../../domain/tool-failure';
import { integerArgument, optionalText, textArgument, type ReadHandler } from '../../handler';

const AT_A_TIME = 20;
const LONGEST_PATTERN = 1_000;
const LONGEST_LINE = 500;
const CONTEXT = { fallback: 1, min: 0, max: 20 };
const OFFSET = { fallback: 0, min: 0, max: 1_000_000 };

/** Finds lines in the files of the agent's folders. */
export const createGrepFiles =
  (files: AgentFiles): ReadHandler =>
  async (args, { agentId }) => {
    const pattern = textArgument(args, 'pattern').trim();
    if (pattern === '' || pattern.length > LONGEST_PATTERN) {
      throw toolError('ValueError', `argument 'pattern' must have 1 to ${LONGEST_PATTERN} characters`);
    }
    const include = optionalText(args, 'include');
    const offset = integerArgument(args, 'offset', OFFSET);
    const contextLines = integerArgument(args, 'context_lines', CONTEXT);
    const there = await files.list(agentId);
    const searched = there.filter(({ path }) => include === null || fits(path, include));
    if (searched.length === 0) {
      return there.length === 0 ? 'Your folders hold no files.' : `No path of your ${there.length} files fits '${include ?? ''}'.`; // prettier-ignore
    }
    const fileIds = searched.map(({ id }) => id);
    const { matches, hasMore } = await files.grep(agentId, { pattern, fileIds, contextLines, offset, limit: AT_A_TIME }); // prettier-ignore
    if (matches.length === 0) {
      return offset === 0 ? `Nothing in ${searched.length} files matches '${pattern}'.` : 'There are no more matches.'; // prettier-ignore
    }
    const shown = `Matches ${offset + 1} to ${offset + matches.length}:`;
    const more = hasMore
      ? `There are more: call again with offset ${offset + matches.length}.`
      : 'There are no more.';
    return [shown, ...matches.map(render), more].join('\n\n');
  };

/** Stars stand for anything; without any, the path has to hold the text. */
function fits(path: string, include: string): boolean {
  const [lower, pattern] = [path.toLowerCase(), include.trim().toLowerCase()];
  if (!pattern.includes('*')) return lower.includes(pattern);
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop() ?? '';
  if (first !== '' && !lower.startsWith(first) && !lower.includes(`/${first}`)) return false;
  let at = first === '' ? 0 : lower.indexOf(first) + first.length;
  for (const piece of rest) {
    const found = lower.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return lower.endsWith(last) && lower.length - last.length >= at;
}

const render = ({ path, line, context }: LineMatch): string =>
  [
    `${path}:${line}`,
    ...context.map((one) => `${one.line === line ? '>' : ' '} ${one.line}: ${cut(one.text)}`),
  ].join('\n');

const cut = (text: string): string => (text.length > LONGEST_LINE ? `${text.slice(0, LONGEST_LINE)}…` : text);
