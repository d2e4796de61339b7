// A reporter beside the usual one: after all tests, which took longest, and which failed.
import failures from './failures.mjs';
import slowest from './slowest.mjs';

export default async function* afterwards(events) {
  const outcomes = [];
  for await (const event of events) if (event.type === 'test:pass' || event.type === 'test:fail') outcomes.push(event);
  yield* slowest(outcomes);
  yield* failures(outcomes);
}
