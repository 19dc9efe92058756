import type { Series } from './series.ts';

const shownSettings = [
  'target_url',
  'executor',
  'concurrent_users',
  'rate',
  'time_unit_seconds',
  'duration_seconds',
  'request_interval_min',
  'request_interval_max',
  'workers',
] as const;

/** What makes two runs hard to compare: they were asked for different things, did not get what was asked, or were changed on the way. */
export function warningsOf(base: Series, head: Series): string[] {
  const settings = shownSettings
    .filter(name => base.config[name] !== head.config[name])
    .map(name => `${name} differs: ${base.config[name]} and ${head.config[name]}`);
  const stages = JSON.stringify(base.config.stages) === JSON.stringify(head.config.stages);
  const degraded = [base, head]
    .filter(run => run.degraded)
    .map(({ id }) => `${id} is degraded: less load was delivered than asked`);
  const changed = [base, head]
    .filter(run => run.changes > 0)
    .map(
      ({ id, changes }) => `${id} was changed while it ran, ${changes === 1 ? 'once' : `${changes} times`}`,
    );
  return [
    ...settings,
    ...(stages ? [] : ['stages differ']),
    ...differingEndpoints(base, head),
    ...degraded,
    ...changed,
  ];
}

function differingEndpoints(base: Series, head: Series): string[] {
  const shares = [base, head].map(sharesOf);
  const names = new Set(shares.flatMap(of => [...of.keys()]));
  return [...names].flatMap(name => {
    const [ours, theirs] = shares.map(of => of.get(name));
    if (ours === undefined || theirs === undefined)
      return [`the endpoint ${name} is in one of the runs only`];
    if (Math.abs(ours - theirs) < 0.0005) return [];
    return [
      `the weight of ${name} differs: ${(ours * 100).toFixed(1)} % and ${(theirs * 100).toFixed(1)} % of all`,
    ];
  });
}

/** What share of the choices each endpoint has. */
function sharesOf({ config: { endpoints } }: Series): Map<string, number> {
  const all = endpoints.reduce((sum, { weight }) => sum + weight, 0);
  return new Map(endpoints.map(({ name, weight }) => [name, weight / all]));
}
