/** What all files that a model is shown at once may hold together; the result of a tool is cut a little above it. */
export const MOST_CHARACTERS = 45_000;

/** A file that an agent can look into. */
export interface AgentFile {
  readonly id: string;
  /** The name of its folder, a slash and its own. */
  readonly path: string;
  readonly folderId: string;
  readonly folderName: string;
  readonly isOpen: boolean;
  /** What it is open at; null from the beginning, or to the end. */
  readonly firstLine: number | null;
  readonly lastLine: number | null;
  readonly lastAccessedAt: Date | null;
}

/** What of a file is to be opened, in lines from 1; null from the beginning, or to the end. */
export interface FileRange {
  readonly firstLine: number | null;
  readonly lastLine: number | null;
}

/** A line of a file that holds what was looked for, with its neighbours. */
export interface LineMatch {
  readonly path: string;
  readonly line: number;
  readonly context: readonly { readonly line: number; readonly text: string }[];
}

/** Which folders an agent has, as its prompt tells of them. */
export interface Directory {
  readonly name: string;
  readonly description: string | null;
  readonly instructions: string | null;
  /** Paths of the first of its files, by name. */
  readonly files: readonly string[];
  readonly fileCount: number;
}

/** Lines of a file, from the first one that was asked for on, and how many lines it has. */
export interface FileExcerpt {
  readonly lines: readonly string[];
  readonly lineCount: number;
}

/** A file that is open, as the model is told of it. */
export interface OpenFile {
  readonly id: string;
  readonly path: string;
  /** Whether a client opened it. */
  readonly byClient: boolean;
}

export interface FileView {
  readonly text: string;
  readonly firstLine: number;
  readonly lastLine: number;
  readonly lineCount: number;
}

/** The lines of an excerpt with their numbers, as many as fit into `limit` characters. */
export function viewOf({ lines, lineCount }: FileExcerpt, { firstLine }: FileRange, limit: number): FileView {
  const first = Math.max(1, firstLine ?? 1);
  const shown: string[] = [];
  let room = limit;
  for (const [place, text] of lines.entries()) {
    const line = `${first + place}: ${text}`;
    if (line.length > room) {
      if (shown.length === 0) shown.push(`${line.slice(0, Math.max(0, room - 1))}…`);
      break;
    }
    shown.push(line);
    room -= line.length + 1;
  }
  return {
    text: shown.join('\n'),
    firstLine: first,
    lastLine: first + shown.length - 1,
    lineCount,
  };
}

/** A view under a line that says what it shows, and how to see more where it was cut. */
export function renderView(path: string, view: FileView, wanted: FileRange): string {
  const { text, firstLine, lastLine, lineCount } = view;
  if (lineCount === 0) return `[${path} is empty]`;
  if (firstLine > lineCount)
    return `[${path} has ${lineCount} lines; there are none from line ${firstLine} on]`;
  const isCut = lastLine < Math.min(lineCount, wanted.lastLine ?? lineCount);
  const more = isCut
    ? `\n[Cut here: more did not fit. Open the file with offset ${lastLine} to read on.]`
    : '';
  return `[${path}, lines ${firstLine}-${lastLine} of ${lineCount}]\n${text}${more}`;
}

// Lines that would be taken for ours: what was told would not be known for it, and be told again at every step.
const asWords = (text: string): string =>
  text.replace(/^<(?=\/?(?:director(?:y|ies)|opened|closed|folder_update)\b)/gm, '&lt;');

/** A folder as prompts tell of it. */
export function renderDirectory({ name, description, instructions, files, fileCount }: Directory): string {
  return [
    `<directory name="${name}">`,
    ...(description === null ? [] : ['<description>', asWords(description), '</description>']),
    ...(instructions === null ? [] : ['<instructions>', asWords(instructions), '</instructions>']),
    ...files.map((file) => `- ${file}`),
    ...(fileCount > files.length ? [`- and ${fileCount - files.length} more`] : []),
    '</directory>',
  ].join('\n');
}
