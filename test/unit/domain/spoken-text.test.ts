import fc from 'fast-check';
import { createSpokenText, spokenText } from '../../../domain/spoken-text';

const wellFormed = fc.string({ unit: 'binary' }).filter((text) => !/[\ud800-\udfff]/u.test(text));

it('says the message of a call, and nothing for arguments that hold none', () => {
  expect(spokenText({ arguments: '{"message":"Hi \\u00e9"}' })).toBe('Hi é');
  for (const none of ['', '{', '[]', '"message"', '{"text":"Hi"}', '{"message":4}'])
    expect(spokenText({ arguments: none })).toBe('');
});

it('says the same when the arguments come in pieces, wherever they are cut', () => {
  fc.assert(
    fc.property(wellFormed, fc.boolean(), fc.array(fc.nat(80)), (message, isLast, cuts) => {
      const thought = { thinking: 'So, "they" say {hi}.', at: 3 };
      const raw = JSON.stringify(isLast ? { ...thought, message } : { message, ...thought });
      const speak = createSpokenText();
      const at = [0, ...cuts.map((cut) => Math.min(cut, raw.length)), raw.length].sort((a, b) => a - b);
      const said = at.slice(1).map((end, index) => speak(raw.slice(at[index], end)));

      expect(said.join('')).toBe(message);
    }),
  );
});

it('never shows half a character or half an escape', () => {
  const speak = createSpokenText();
  const pieces = ['{"message": "a\\', 'n\\u00', 'e9\\ud83d', '\\ude00"}'].map(speak);

  expect(pieces).toEqual(['a', '\n', 'é', '😀']);
});
