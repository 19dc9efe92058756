/**
 * A load test as it is being written down: the body of `POST /api/load-tests`, but for what a form has otherwise. Thresholds are
 * rows, headers are lines of text, a body is text. What the form has no field for stays as it is.
 */
export const isRamping = ({ executor }) => executor.startsWith('ramping-');
export const isArrivalRate = ({ executor }) => executor.endsWith('-arrival-rate');

export function draftOf(body) {
  const { endpoints = [], thresholds = {}, ...rest } = body;
  return {
    executor: 'constant-vus',
    ...rest,
    endpoints: endpoints.map(draftEndpoint),
    thresholds: Object.entries(thresholds).flatMap(([metric, entries]) =>
      entries.map(entry => ({ metric, ...(typeof entry === 'string' ? { threshold: entry } : entry) })),
    ),
  };
}

function draftEndpoint({ headers = {}, body, ...rest }) {
  return {
    ...rest,
    headers: Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}`)
      .join('\n'),
    body: typeof body === 'object' ? JSON.stringify(body) : (body ?? ''),
  };
}

/** What is sent: fields that the executor does not have are left out, as are endpoints where there are none. */
export function bodyOf(draft) {
  const { endpoints, thresholds, stages = [], duration, duration_minutes, rate, time_unit, ...rest } = draft;
  return {
    ...rest,
    ...(isRamping(draft) ? { stages } : { duration, duration_minutes }),
    ...(isArrivalRate(draft) && { rate, time_unit }),
    ...(endpoints.length > 0 && { endpoints: endpoints.map(sentEndpoint) }),
    thresholds: Object.fromEntries(
      [...Map.groupBy(thresholds, ({ metric }) => metric ?? '')].map(([metric, rows]) => [
        metric,
        rows.map(({ metric: _, threshold = '', ...more }) => ({ threshold, ...more })),
      ]),
    ),
  };
}

function sentEndpoint({ headers, body, ...rest }) {
  const entries = headersOf(headers);
  return {
    ...rest,
    ...(entries.length > 0 && { headers: Object.fromEntries(entries) }),
    ...(body !== '' && { body }),
  };
}

const headersOf = text =>
  text
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(line => {
      const [name, ...value] = line.split(':');
      return [name.trim(), value.join(':').trim()];
    });

/** Where a row of thresholds is in the body. */
export function thresholdPointer(thresholds, index) {
  const { metric = '' } = thresholds[index];
  const before = thresholds.slice(0, index).filter(row => (row.metric ?? '') === metric).length;
  return `/thresholds/${metric.replaceAll('~', '~0').replaceAll('/', '~1')}/${before}`;
}

const unitSeconds = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };

/** Seconds of `1m30s`; NaN where it is none. */
export function secondsOf(text = '') {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  if (text === '' || parts.map(([part]) => part).join('') !== text) return Number.NaN;
  return parts.reduce((sum, [, value, unit]) => sum + value * unitSeconds[unit], 0);
}

/**
 * What a run costs at most. Of users: each sends as often as its pause allows, were every answer there at once; without
 * a pause nobody knows (`requests` is Infinity). NaN where a figure is not written down yet.
 */
export function costOf(draft) {
  const {
    stages = [],
    duration,
    duration_minutes,
    concurrent_users: users,
    rate = 0,
    time_unit = '1s',
  } = draft;
  const least = draft.request_interval_min ?? Math.min(1, draft.request_interval_max ?? 1);
  const start = isArrivalRate(draft) ? rate : (users ?? 1);
  const level = isRamping(draft)
    ? ramp(start, stages)
    : { seconds: secondsOf(duration ?? `${duration_minutes}m`) };
  const area = level.area ?? start * level.seconds;
  const most = level.most ?? start;
  if (!isArrivalRate(draft))
    return { seconds: level.seconds, users: most, requests: Math.floor(area / least) + most };
  const perSecond = most / secondsOf(time_unit);
  return {
    seconds: level.seconds,
    users: users ?? Math.max(10, Math.ceil(perSecond)),
    requests: Math.ceil(area / secondsOf(time_unit)),
  };
}

/** Stages go evenly from where the one before ended. */
function ramp(start, stages) {
  const sum = { seconds: 0, area: 0, most: start };
  let from = start;
  for (const { duration, target } of stages) {
    const seconds = secondsOf(duration);
    sum.seconds += seconds;
    sum.area += (seconds * (from + target)) / 2;
    sum.most = Math.max(sum.most, target);
    from = target;
  }
  return sum;
}
