import { createFairQueue } from '../../../domain/fair-queue';

/** Work that runs until it is told to end. */
function openWork() {
  let end: (error?: Error) => void = () => undefined;
  const ended = new Promise<void>((resolve, reject) => {
    end = (error) => (error ? reject(error) : resolve());
  });
  return { work: () => ended, end: (error?: Error) => end(error) };
}
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('createFairQueue', () => {
  it('has only so many things under way, and starts the others in the order they came', async () => {
    const inTurn = createFairQueue(2);
    const started: number[] = [];
    const works = Array.from({ length: 5 }, openWork);
    const all = works.map(({ work }, at) =>
      inTurn(() => {
        started.push(at);
        return work();
      }),
    );

    await settle();
    expect(started).toEqual([0, 1]);
    works[1]?.end();
    await settle();
    expect(started).toEqual([0, 1, 2]);
    for (const { end } of works) end();
    await Promise.all(all);

    expect(started).toEqual([0, 1, 2, 3, 4]);
  });

  it('hands on the place of work that fails, and passes the failure to its caller', async () => {
    const inTurn = createFairQueue(1);
    const failing = openWork();
    const first = inTurn(failing.work);
    const second = inTurn(() => Promise.resolve('done'));

    failing.end(new Error('away'));

    await expect(first).rejects.toThrow('away');
    await expect(second).resolves.toBe('done');
    await expect(inTurn(() => Promise.resolve('later'))).resolves.toBe('later');
  });
});
