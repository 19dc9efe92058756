import { type Trend, wasMeasured } from '../../../../shared/contracts/load-metrics.ts';

/** Figures for people, as k6 writes them. */
const decimals = (value: number, digits = 2): string => String(Number(value.toFixed(digits)));

/** `850µs`, `118.55ms`, `1.2s`, `2m05s` */
export function milliseconds(ms: number): string {
  if (ms > 0 && ms < 1) return `${decimals(ms * 1000)}µs`;
  if (ms < 1000) return `${decimals(ms)}ms`;
  if (ms < 60_000) return `${decimals(ms / 1000)}s`;
  return seconds(ms / 1000);
}

/** The same in three digits: `570ms`, `44.1ms`, `1.68s`. */
const briefly = (ms: number): string => milliseconds(ms < 60_000 ? Number(ms.toPrecision(3)) : ms);

/** A figure of a trend; `–` where nothing was measured, since `0ms` would be the best of all. */
export const trendFigure = (trend: Trend, name: keyof Trend): string =>
  wasMeasured(trend) ? briefly(trend[name]) : '–';

/** `15s`, `2m05s`, `1h00m05s` */
export function seconds(total: number): string {
  const whole = Math.round(total);
  if (whole < 60) return `${decimals(total, 1)}s`;
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const tail = `${String(rest).padStart(2, '0')}s`;
  return hours === 0 ? `${minutes}m${tail}` : `${hours}h${String(minutes).padStart(2, '0')}m${tail}`;
}

const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB'];

/** `1.4 MB`, in steps of 1000 */
export function bytes(count: number): string {
  const step = count < 1000 ? 0 : Math.min(byteUnits.length - 1, Math.floor(Math.log10(count) / 3));
  return `${decimals(count / 1000 ** step, count < 1000 ? 0 : 1)} ${byteUnits[step]}`;
}

/** `0.31%` */
export const percent = (share: number): string => `${(share * 100).toFixed(2)}%`;

/** `1,234.5` */
export const number = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: 2 });

export const nothingMeasured = 'nothing measured';

const aggregate = /^\s*(avg|min|med|max|p\s*\([^)]*\))/;

/** The measured value that a threshold was held against, in the unit of its metric. */
export function actualOf({
  metric,
  expression,
  actual,
}: {
  metric: string;
  expression: string;
  actual: number | null;
}): string {
  if (actual === null) return nothingMeasured;
  if (aggregate.test(expression)) return milliseconds(actual);
  if (metric.startsWith('http_req_failed')) return percent(actual);
  return number(actual);
}

/** The part of an expression before its comparison: `p(95)`. */
export const subjectOf = (expression: string): string => expression.split(/[<>=!]/, 1)[0]?.trim() ?? '';
