import { call } from './api.js';

/** What is told on the stream besides ticks: the page has it from the contract. */
const eventTypes = document.body.dataset.eventTypes.split(' ');
const mostPoints = 600;

export const isOpen = ({ finished_at }) => finished_at === null;

/** How many seconds a step of a run's history has, so that it is drawn from at most so many points. */
export function stepOf({ started_at, finished_at }) {
  if (started_at === null) return 1;
  const end = finished_at === null ? Date.now() : Date.parse(finished_at);
  return Math.max(1, Math.ceil((end - Date.parse(started_at)) / 1000 / mostPoints));
}

/** A run's history in steps of so many seconds (`span`), oldest first. */
export async function readHistory(test, span) {
  const steps = [];
  let cursor = '';
  while (cursor !== null) {
    const path = `/api/load-tests/${test.id}/timeseries?step=${span}&limit=1000${cursor && `&cursor=${cursor}`}`;
    const page = await call('GET', path);
    steps.push(...page.items.map(step => ({ ...step, span })));
    cursor = page.next_cursor;
  }
  return steps;
}

/**
 * A run from its start: first its history in steps, then each second and each event as they come.
 * @param hear `begin(steps)`, `tick({ point, metrics })`, `event(event)`, `over()`: whether all is told
 * @returns the stream, an EventSource
 */
export async function followRun(test, hear) {
  const step = stepOf(test);
  const steps = await readHistory(test, step);
  const newest = steps.at(-1)?.second ?? 0;
  // The newest step of a run that goes on is not over: its seconds come over the stream.
  const [whole, next] = isOpen(test) ? [steps.slice(0, -1), newest] : [steps, newest + step];
  hear.begin(whole);
  const source = new EventSource(`/api/load-tests/${test.id}/events?after_second=${next - 1}`);
  source.addEventListener('tick', ({ data }) => hear.tick(JSON.parse(data)));
  for (const type of eventTypes) source.addEventListener(type, ({ data }) => hear.event(JSON.parse(data)));
  source.addEventListener('error', () => {
    if (hear.over()) source.close(); // a browser would ask again
  });
  return source;
}
