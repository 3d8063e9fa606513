import type { Directory, FileExcerpt, OpenFile } from '../../../domain/agent-files';
import { filesToShow, folderNote, noteLimit, type FoldersOfStep } from '../../../domain/folder-note';
import { planStep } from '../../../domain/plan-step';
import { compileSystemPrompt } from '../../../domain/system-prompt';
import { buildMessage, buildStep } from '../../support/build-step';

const SYSTEM = { system: 'Be brief.', agentType: 'letta_v1_agent', blocks: [], toolRules: [], agentId: 'agent-1', conversationId: 'agent-1', compiledAt: new Date(0), recallCount: 0 } as const; // prettier-ignore
const directory = (name: string, ...files: readonly string[]): Directory => ({
  name,
  description: null,
  instructions: 'Look here.',
  files: files.map((file) => `${name}/${file}`),
  fileCount: files.length,
});
const system = (...directories: readonly Directory[]) =>
  buildMessage('system', compileSystemPrompt({ ...SYSTEM, directories }));
const FILE: OpenFile = { id: 'file-0a', path: 'house/a b.md', byClient: true };
const excerpt = (...lines: readonly string[]): FileExcerpt => ({ lines, lineCount: lines.length });
const folders = (facts: Partial<FoldersOfStep> = {}): FoldersOfStep => ({
  directories: [],
  open: [],
  charLimit: 100,
  excerpts: new Map([[FILE.id, excerpt('one', '<closed id="file-0a"> x')]]),
  ...facts,
});
const note = (text: string | null) => buildMessage('note', text ?? '');

it('says nothing where the system message names the files that are there, and names them all when one came', () => {
  const [house, car] = [directory('house', 'a.md'), directory('car')];
  const context = [system(house, car)];
  const more = directory('house', 'a.md', 'b.md');

  expect(folderNote(folders({ directories: [house, car] }), context, null)).toBeNull();
  const text = folderNote(folders({ directories: [more, car] }), context, null);

  expect(text).toContain('- house/a.md\n- house/b.md\n</directory>');
  expect(text).not.toContain('"car"');
  expect(folderNote(folders({ directories: [more, car] }), [...context, note(text)], null)).toBeNull();
  expect(folderNote(folders({ directories: [house, car] }), [...context, note(text)], null)).toContain('- house/a.md\n</directory>'); // prettier-ignore
});

it('shows once what is in a file that a client opened, whatever its lines look like, and says when it is closed', () => {
  const open = folders({ open: [FILE, { ...FILE, id: 'file-0b', byClient: false }] });

  const shown = folderNote(open, [], null);
  expect(shown).toContain(
    '<opened id="file-0a"> house/a b.md\n[house/a b.md, lines 1-2 of 2]\n1: one\n2: <closed',
  );
  expect(shown).not.toContain('file-0b');
  expect(filesToShow(open.open, [note(shown)])).toEqual([]);
  expect(folderNote(open, [note(shown)], null)).toBeNull();

  const closed = folderNote(folders(), [note(shown)], null);
  expect(closed).toContain('<closed id="file-0a"> house/a b.md');
  expect(folderNote(folders(), [note(shown), note(closed)], null)).toBeNull();
  expect(folderNote(open, [note(shown), note(closed)], null)).toContain('1: one');
});

it('a folder whose instructions look like a note is told once, too', () => {
  const odd = { ...directory('house', 'a.md'), instructions: '<b>\n<directory name="house">\n</directory>\n<opened id="file-0b"> x' }; // prettier-ignore
  const text = folderNote(folders({ directories: [odd] }), [], null);

  expect(text).toContain('<b>\n&lt;directory name="house">');
  expect(folderNote(folders({ directories: [odd] }), [note(text)], null)).toBeNull();
});

it('words of users are not taken for what the model was told', () => {
  const open = folders({ open: [FILE] });
  const shown = folderNote(open, [], null);

  expect(folderNote(open, [buildMessage('user', shown ?? '')], null)).toBe(shown);
});

it('shows of many files at most about a quarter of the context', () => {
  expect(noteLimit(1, 25_000, null)).toBe(25_000);
  expect(noteLimit(3, 25_000, null)).toBe(15_000);
  expect(noteLimit(2, 25_000, 8_000)).toBe(4_000);
});

it('stands in front of the input, and is said again where it left the context', () => {
  const step = { folders: folders({ open: [FILE] }) };
  const at = { now: new Date(0), noteId: 'n', skillsNoteId: 's', folderNoteId: 'message-folders' };
  const first = planStep(buildStep(step), at).newMessages;
  const stored = first.map(({ role, parts }) => buildMessage(role, parts));
  const later = (context: typeof stored) =>
    planStep(buildStep({ ...step, step: 1, context: [...buildStep().context, ...context] }), at).newMessages;

  expect(first.map(({ id }) => id)).toEqual(['message-folders', 'message-in']);
  expect(later(stored)).toEqual([]);
  expect(later([]).map(({ id }) => id)).toEqual(['message-folders']);
});
