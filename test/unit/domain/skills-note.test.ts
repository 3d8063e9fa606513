import { planStep, toNote } from '../../../domain/plan-step';
import { skillsNote } from '../../../domain/skills-note';
import type { ClientSkill } from '../../../domain/turn-request';
import { buildMessage, buildStep } from '../../support/build-step';

const AT = {
  now: new Date(0),
  noteId: 'message-note',
  skillsNoteId: 'message-skills',
  folderNoteId: 'message-folders',
};
const skill = (name: string, description = `Does ${name}.`): ClientSkill => ({
  name,
  description,
  location: `skills/${name}/SKILL.md`,
});
const told = (...skills: readonly ClientSkill[]) =>
  buildMessage('note', toNote('message-s', skillsNote(skills, []) ?? '').parts);

it('names each skill with what it is for and where it is, each on a line of its own', () => {
  const text = skillsNote([skill('pdf', 'Reads\n\n  PDF.'), skill('csv')], []);

  expect(text?.split('\n').filter((line) => line.startsWith('- '))).toEqual([
    '- csv (skills/csv/SKILL.md): Does csv.',
    '- pdf (skills/pdf/SKILL.md): Reads PDF.',
  ]);
});

it('says nothing where the client says nothing, or has had no skills so far', () => {
  expect(skillsNote(undefined, [told(skill('pdf'))])).toBeNull();
  expect(skillsNote([], [])).toBeNull();
});

it('is said once, in whatever order the skills come, and again with all of them when one changes', () => {
  const context = [told(skill('csv')), told(skill('csv'), skill('pdf')), buildMessage('user', 'Hi')];

  expect(skillsNote([skill('pdf'), skill('csv')], context)).toBeNull();
  const changed = skillsNote([skill('pdf', 'Writes PDF.'), skill('csv')], context);
  expect(changed).toContain('Writes PDF.');
  expect(changed).toContain('Does csv.');
  expect(skillsNote([skill('csv')], context)).not.toContain('pdf');
});

it('takes the list back once when the client has none left', () => {
  const none = skillsNote([], [told(skill('pdf'))]);

  expect(none).not.toContain('pdf');
  expect(skillsNote([], [told(skill('pdf')), buildMessage('note', none ?? '')])).toBeNull();
});

it('words of users and of tools are not taken for what the model was told', () => {
  const text = skillsNote([skill('pdf')], []) ?? '';

  expect(skillsNote([skill('pdf')], [buildMessage('user', text), buildMessage('assistant', text)])).toBe(
    text,
  );
});

it('stands in front of the input, and in the middle of a turn after what took it out of the context', () => {
  const request = { ...buildStep().request, clientSkills: [skill('pdf')] };
  const first = planStep(buildStep({ request }), AT);

  expect(first.newMessages.map(({ id }) => id)).toEqual(['message-skills', 'message-in']);

  const stored = first.newMessages.map(({ role, parts }) => buildMessage(role, parts));
  const system = buildStep().context;
  const later = (context: typeof stored) =>
    planStep(buildStep({ step: 1, request, context: [...system, ...context] }), AT).newMessages;
  expect(later(stored)).toEqual([]);
  expect(later([buildMessage('summary', 'They met.')]).map(({ id }) => id)).toEqual(['message-skills']);
});
