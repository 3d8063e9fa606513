import { framedSummary } from '../../../domain/framed-summary';
import { memoryNote, memorySeen, revisionOf, toPrompt, toToolSpecs } from '../../../domain/prompt';
import { buildMessage, buildOffered } from '../../support/build-step';

const block = (label: string, version: number) => ({ id: `block-${label}`, label, value: `${label} v${version}`, limit: 9, readOnly: false, version }); // prettier-ignore

it('each stored message maps on its own, in order', () => {
  const call = { type: 'tool_call', id: 'c', name: 'look', arguments: '{ "a":1}' } as const;
  const returned = { type: 'tool_return', toolCallId: 'c', name: 'look', status: 'error', result: 'no', stdout: null, stderr: null } as const; // prettier-ignore

  const prompt = toPrompt([
    buildMessage('system', 'S'),
    buildMessage('user', 'U', { name: 'Ada' }),
    buildMessage('note', 'N'),
    buildMessage('summary', 'Before.'),
    buildMessage('assistant', [{ type: 'reasoning', text: 'R', signature: 's' }, call]),
    buildMessage('tool', [returned]),
    buildMessage('approval_response', [{ type: 'approval', toolCallId: 'c', approve: true, reason: null }]),
  ]);

  expect(prompt).toEqual([
    { role: 'system', text: 'S' },
    { role: 'user', parts: [{ type: 'text', text: 'U' }], name: 'Ada' },
    { role: 'user', parts: [{ type: 'text', text: 'N' }] },
    { role: 'user', parts: [{ type: 'text', text: framedSummary('Before.') }] },
    { role: 'assistant', parts: [{ type: 'reasoning', text: 'R', signature: 's' }, call] },
    {
      role: 'tool',
      toolCallId: 'c',
      name: 'look',
      text: '{"status":"Failed","message":"no","time":"1970-01-01T00:00:00.000Z"}',
    },
  ]);
});

describe('the note about memory', () => {
  it('is not written while the model knows every block', () => {
    const blocks = [block('human', 1), block('persona', 3)];

    expect(memoryNote(blocks, memorySeen(blocks))).toBeNull();
  });

  it('names the blocks that changed, were added and were taken away, and no other', () => {
    const seen = memorySeen([block('human', 1), block('persona', 3), block('gone', 1)]);

    const note = memoryNote([block('human', 2), block('persona', 3), block('added', 1)], seen);

    expect(note?.text).toContain('human v2');
    expect(note?.text).toContain('added v1');
    expect(note?.text).toContain('"gone"');
    expect(note?.text).not.toContain('persona');
    expect(note?.seen).toEqual({
      human: 'block-human@2',
      persona: 'block-persona@3',
      added: 'block-added@1',
    });
  });

  it('is written for another block under a known label, whatever its version', () => {
    const other = { ...block('human', 1), id: 'block-other' };

    expect(memoryNote([other], { human: revisionOf(block('human', 1)) })?.text).toContain('human v1');
  });
});

it('a result shows its pictures beside its text', () => {
  const images = [{ type: 'image', source: { type: 'url', url: 'https://x/y.png' } }] as const;
  const part = { type: 'tool_return', toolCallId: 'c', name: 'look', status: 'success', result: 'ok', stdout: null, stderr: null, images } as const; // prettier-ignore

  expect(toPrompt([buildMessage('tool', [part])])).toMatchObject([{ role: 'tool', images }]);
});

it('tools are named in the given order without what only the server needs', () => {
  expect(toToolSpecs([buildOffered('b'), buildOffered('a')])).toEqual([
    { name: 'b', description: 'What b does.', parameters: { type: 'object' } },
    { name: 'a', description: 'What a does.', parameters: { type: 'object' } },
  ]);
});
