const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

export const count = value => whole.format(value);
export const rate = value => `${tenths.format(value)}/s`;
export const share = value => `${(100 * value).toLocaleString('en', { maximumFractionDigits: 2 })} %`;

/** Zeros stand for no duration at all: what is measured is a microsecond or more. */
export const duration = (trend, name) => (trend.max === 0 ? '–' : milliseconds(trend[name]));
export const milliseconds = value =>
  value < 1000 ? `${tenths.format(value)} ms` : `${(value / 1000).toFixed(2)} s`;

export function ago(time) {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time)) / 1000));
  if (seconds < 90) return `${seconds} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  return new Date(time).toLocaleString();
}

/** Seconds of a run as a clock has them. */
export function clock(seconds) {
  const two = value => String(Math.floor(value)).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), (seconds % 3600) / 60];
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(seconds % 60)}`
    : `${Math.floor(minutes)}:${two(seconds % 60)}`;
}
