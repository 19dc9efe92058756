import type { LoadEvent } from '../../../../../shared/contracts/load-tests.ts';

/** What the events of a run are to somebody who looks at its charts. */
export type Tone = 'plain' | 'warning' | 'serious';

const tones: Record<LoadEvent['type'], Tone> = {
  status: 'plain',
  control: 'plain',
  breaker_opened: 'warning',
  breaker_closed: 'plain',
  load_reduced: 'warning',
  load_restored: 'plain',
  shard_lost: 'serious',
  shard_taken_over: 'warning',
  shard_late: 'warning',
  shard_cut_off: 'serious',
  shard_back: 'plain',
  threshold_failed: 'serious',
  error_limit: 'serious',
  generator_saturated: 'warning',
  login_failed: 'warning',
};

export const toneOf = ({ type }: Pick<LoadEvent, 'type'>): Tone => tones[type];

/** Events close to each other on the time line, under one sign. */
export interface Mark {
  second: number;
  /** `3`, or `3-5`: rows of the table of events. */
  label: string;
  tone: Tone;
  title: string;
}

/** Changes of status before the start and at the ends are where the axis is anyway: those stay in the table only. */
export function marksOf(events: readonly LoadEvent[], spanSeconds: number): Mark[] {
  const closest = spanSeconds / 40;
  const groups: { from: number; to: number; second: number; events: LoadEvent[] }[] = [];
  for (const [index, event] of events.entries()) {
    if (event.second === null || event.second < 0 || event.second > spanSeconds || event.type === 'status')
      continue;
    const group = groups.at(-1);
    if (group !== undefined && event.second - group.second < closest) {
      group.to = index + 1;
      group.events.push(event);
    } else groups.push({ from: index + 1, to: index + 1, second: event.second, events: [event] });
  }
  return groups.map(group => ({
    second: group.second,
    label: group.from === group.to ? `${group.from}` : `${group.from}-${group.to}`,
    tone: worstTone(group.events),
    title: group.events.map(({ message }) => message).join('\n'),
  }));
}

const byGravity: Tone[] = ['serious', 'warning', 'plain'];
const worstTone = (events: readonly LoadEvent[]): Tone =>
  byGravity.find(tone => events.some(event => toneOf(event) === tone)) ?? 'plain';
