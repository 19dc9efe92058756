/** From figures to places on a chart. */

/** What may lie between two ticks, times a power of ten. */
const steps = [1, 2, 2.5, 5, 10];

/** Round ticks from 0 to a round number that is not below `max`: about four. */
export function ticksTo(max: number): number[] {
  if (!(max > 0)) return [0, 1];
  const rough = max / 4;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = (steps.find(candidate => candidate * magnitude >= rough) ?? 10) * magnitude;
  const ticks = Math.ceil(max / step - 1e-9);
  return Array.from({ length: ticks + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

const timeSteps = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400,
];

/** Ticks of a time axis within `span` seconds: at most ten. */
export function timeTicks(span: number): number[] {
  const step = timeSteps.find(candidate => span / candidate <= 10) ?? 86_400;
  return Array.from({ length: Math.floor(span / step) + 1 }, (_, index) => index * step);
}

/** `0:30`, `1:00:00` */
export function clock(second: number): string {
  const whole = Math.floor(second);
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  return hours === 0 ? `${minutes}:${two(rest)}` : `${hours}:${two(minutes)}:${two(rest)}`;
}

/** A tick's figure in as few characters as say it: `1.5k`, `250`, `0.25`. */
export function short(value: number): string {
  if (value >= 1_000_000) return `${Number((value / 1_000_000).toPrecision(3))}M`;
  if (value >= 10_000) return `${Number((value / 1000).toPrecision(3))}k`;
  return value.toLocaleString('en', { maximumSignificantDigits: 3 });
}
