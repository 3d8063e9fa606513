import {
  type Directory,
  type FileExcerpt,
  MOST_CHARACTERS,
  type OpenFile,
  renderDirectory,
  renderView,
  viewOf,
} from './agent-files';
import type { Message } from './message';
import { textOf } from './prompt';

/** What an agent can look into at a step, and what of it is open. */
export interface FoldersOfStep {
  readonly directories: readonly Directory[];
  readonly open: readonly OpenFile[];
  /** How many characters of a file the agent reads at once. */
  readonly charLimit: number;
  /** What is in the files that clients have opened and that the model was not shown. */
  readonly excerpts: ReadonlyMap<string, FileExcerpt>;
}

type Context = readonly Pick<Message, 'role' | 'parts'>[];

/** The files that clients have opened and that no note in a context shows. */
export function filesToShow(open: readonly OpenFile[], context: Context): readonly OpenFile[] {
  const told = toldOpen(notesIn(context));
  return open.filter(({ id, byClient }) => byClient && !told.has(id));
}

/**
 * How many characters of each of `count` files a note may show: what a tool would, but together no more than about a quarter of a
 * context of `contextLimit` tokens, so that what clients open never fills it.
 */
export const noteLimit = (count: number, charLimit: number, contextLimit: number | null): number =>
  Math.min(charLimit, Math.floor(Math.min(MOST_CHARACTERS, contextLimit ?? MOST_CHARACTERS) / count));

/**
 * What the model must be told of its folders and files: folders whose list of files is another one than it was told last, what is
 * in files that clients have opened, and which of these are open no more. Null if its context says so already: where a compaction or
 * a reset took a note out, the next step tells it again.
 */
export function folderNote(
  { directories, open, charLimit, excerpts }: FoldersOfStep,
  context: Context,
  contextLimit: number | null,
): string | null {
  const notes = notesIn(context);
  const system = context[0]?.role === 'system' ? [textOf(context[0].parts)] : [];
  const changed = directories.map(renderDirectory).filter((text) => !isToldLast(text, [...system, ...notes]));
  const told = toldOpen(notes);
  const shown = filesToShow(open, context);
  const limit = noteLimit(shown.length, charLimit, contextLimit);
  const closed = [...told].filter(([id]) => !open.some((file) => file.id === id));
  if (changed.length + shown.length + closed.length === 0) return null;
  return [
    OPENING,
    INTRODUCTION,
    ...changed,
    ...shown.map((file) => renderShown(file, excerpts.get(file.id), limit)),
    ...closed.map(([id, path]) => frame('closed', id, path)),
    '</folder_update>',
  ].join('\n');
}

const OPENING = '<folder_update>';
const INTRODUCTION =
  'News of your folders, which replace what you were told before: the files that a folder holds now, and what is in files ' +
  'that were opened for you. A closed file needs no attention any more.';

const WHOLE = { firstLine: null, lastLine: null };

function renderShown({ id, path }: OpenFile, excerpt: FileExcerpt | undefined, limit: number): string {
  const view = excerpt ? renderView(path, viewOf(excerpt, WHOLE, limit), WHOLE) : `[${path} was deleted]`;
  return `${frame('opened', id, path)}\n${view}\n</opened>`;
}

// Lines of files begin with their numbers, so none of them can look like this.
const frame = (what: 'opened' | 'closed', id: string, path: string): string => `<${what} id="${id}"> ${path}`;
const FRAMES = /^<(opened|closed) id="(file-[0-9a-f-]+)"> (.*)$/gm;

const notesIn = (context: Context): readonly string[] =>
  context
    .filter(({ role }) => role === 'note')
    .map(({ parts }) => textOf(parts))
    .filter((text) => text.startsWith(OPENING));

/** The paths of the files that notes show and do not say to be closed, by id. */
function toldOpen(notes: readonly string[]): ReadonlyMap<string, string> {
  const open = new Map<string, string>();
  for (const [, what, id = '', path = ''] of notes.join('\n').matchAll(FRAMES)) {
    if (what === 'opened') open.set(id, path);
    else open.delete(id);
  }
  return open;
}

/** Whether the last of the texts to name a folder says the same of it. */
function isToldLast(directory: string, texts: readonly string[]): boolean {
  const all = `\n${texts.join('\n')}\n`;
  const opening = directory.slice(0, directory.indexOf('\n'));
  const at = all.lastIndexOf(`\n${opening}\n`);
  return at !== -1 && all.startsWith(`\n${directory}\n`, at);
}
