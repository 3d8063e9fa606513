import { countTokens } from '../../count-tokens';

it('counts what the encoder counts, one number for each text', async () => {
  expect(await countTokens(['Hello world', '', 'the roses want water'])).toEqual([2, 0, 4]);
});

it('takes the names of special tokens for text', async () => {
  const [tokens] = await countTokens(['<|endoftext|>']);

  expect(tokens).toBeGreaterThan(1);
});

it('counts long texts without spaces at most a few percent too high', async () => {
  const [plain = 0] = await countTokens(['water '.repeat(20_000)]);
  const [dense = 0] = await countTokens(['漢字仮名交'.repeat(4_000)]);

  expect(plain).toBeGreaterThanOrEqual(20_000);
  expect(plain).toBeLessThan(20_000 * 1.05);
  // The encoder alone says 24,000, after three seconds.
  expect(dense).toBeGreaterThan(23_000);
  expect(dense).toBeLessThan(25_500);
});
