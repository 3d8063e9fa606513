import { createClosings } from '../../../api/closings';

// What is over is told apart from what is not by the order of events; the clock only has to go on.
const ENDED_NOW = 0;
const ENDED_LONG_AGO = 60_000;

test('who waits for a workflow goes on when its closing is told', async () => {
  const closings = createClosings();
  const order: string[] = [];
  const waited = closings.wait('agent/a', ENDED_NOW).then(() => order.push('waited'));
  closings.tell('agent/a');
  // A timer of the wait would come after this one turn of the loop.
  await new Promise(setImmediate);
  order.push('next turn of the loop');
  await waited;
  expect(order).toEqual(['waited', 'next turn of the loop']);
});

test('a closing that was told since the end needs no wait; one of an earlier turn does not count', async () => {
  const closings = createClosings();
  closings.tell('agent/a');
  const order: string[] = [];
  const sinceTheEnd = closings.wait('agent/a', 10).then(() => order.push('told since'));
  const ofTheTurnBefore = closings.wait('agent/a', -1).then(() => order.push('told before'));
  await Promise.resolve().then(() => order.push('at once'));
  await Promise.all([sinceTheEnd, ofTheTurnBefore]);
  expect(order).toEqual(['told since', 'at once', 'told before']);
});

test('nobody waits for the closing of another workflow, nor behind a turn that ended long ago', async () => {
  const closings = createClosings();
  const order: string[] = [];
  const other = closings.wait('agent/b', ENDED_NOW).then(() => order.push('time is over'));
  closings.tell('agent/a');
  await closings.wait('agent/c', ENDED_LONG_AGO).then(() => order.push('at once'));
  await other;
  expect(order).toEqual(['at once', 'time is over']);
});
