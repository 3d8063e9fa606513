import { PassThrough } from 'node:stream';
import { readChannel } from '../../../../tools/sandbox/answer-channel';

const NONCE = 'n'.repeat(48);

/** Sends the chunks and tells what was understood, and how often an answer was reported. */
async function said(chunks: readonly string[], limitBytes = 1_000) {
  const stream = new PassThrough();
  let answers = 0;
  const read = readChannel(stream, { nonce: NONCE, limitBytes, onAnswer: () => answers++ });
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await new Promise((resolve) => stream.once('end', resolve));
  return { ...read(), answers };
}

it('tells printed text and answer apart, wherever the chunks are cut', async () => {
  const whole = `hello\n\n${NONCE} {"value":"ä"}\nmore`;

  for (let at = 0; at <= whole.length; at++) {
    await expect(said([whole.slice(0, at), whole.slice(at)])).resolves.toEqual({
      text: 'hello\n',
      answer: { value: 'ä' },
      answers: 1,
    });
  }
});

it('takes the first answer and no later one', async () => {
  await expect(said([`\n${NONCE} 1\n\n${NONCE} 2\n`])).resolves.toMatchObject({ answer: 1, answers: 1 });
});

it.each([
  ['without one', ['printed'], 'printed'],
  ['that another nonce begins', ['\nm {"value":1}\n'], '\nm {"value":1}\n'],
  ['that is no JSON', [`a\n${NONCE} {"value\n`], 'a'],
  ['that does not end', [`a\n${NONCE} {"value":1}`], 'a'],
])('has no answer %s', async (_, chunks, text) => {
  await expect(said(chunks)).resolves.toMatchObject({ text, answer: undefined });
});

it('keeps text up to the limit, and the answer behind it', async () => {
  await expect(said(['x'.repeat(600), 'x'.repeat(600), `\n${NONCE} 1\n`])).resolves.toEqual({
    text: `${'x'.repeat(1_000)}\n[output cut: 1200 bytes were printed, 1000 are kept]\n`,
    answer: 1,
    answers: 1,
  });
});
