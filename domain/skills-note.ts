import type { Message } from './message';
import { textOf } from './prompt';
import type { ClientSkill } from './turn-request';

/**
 * What the model must be told about the skills of the client that speaks to it: null if the last such note in its context
 * says the same, or if the client says nothing of skills. Each note holds the whole list, so that it needs no earlier one:
 * where a compaction or a reset took it out of the context, the next step tells it again.
 */
export function skillsNote(
  skills: readonly ClientSkill[] | undefined,
  context: readonly Pick<Message, 'role' | 'parts'>[],
): string | null {
  if (!skills) return null;
  const told = context.filter(({ role }) => role === 'note').map(({ parts }) => textOf(parts));
  const last = told.findLast((text) => text.startsWith(OPENING)) ?? toNoteText([]);
  const text = toNoteText(skills);
  return text === last ? null : text;
}

const OPENING = '<available_skills>';

function toNoteText(skills: readonly ClientSkill[]): string {
  const lines = [...skills].sort(byName).map(toLine);
  return [OPENING, ...(lines.length > 0 ? [INTRODUCTION, ...lines] : [NONE]), '</available_skills>'].join(
    '\n',
  );
}

const INTRODUCTION =
  'Skills of the environment that you are connected to: instructions for kinds of work, kept in files. Read the file of a ' +
  'skill, with the tools you have for that, before you do what it is for. This list replaces any earlier one.';
const NONE = 'The environment that you are connected to has no skills. Earlier lists no longer hold.';

const byName = (a: ClientSkill, b: ClientSkill): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

const toLine = ({ name, description, location }: ClientSkill): string =>
  `- ${onOneLine(name)} (${onOneLine(location)}): ${onOneLine(description)}`;

const onOneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();
