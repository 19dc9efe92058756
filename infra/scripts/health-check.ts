/**
 * `npm run health-check`: asks a running API whether everything that Muster needs is well, a line each. API and
 * MUSTER_API_KEY name another one than the local stack. Exit code 1 when something is down; a warning leaves it 0.
 */
import type { Client } from '../../services/cli/client.ts';
import { CliFailure } from '../../services/cli/failure.ts';
import { getAccountStatsOperation } from '../../shared/http/accounts.ts';
import { listAlertsOperation } from '../../shared/http/alerts.ts';
import { getBulkUserStatsOperation } from '../../shared/http/bulk-users.ts';
import { getHealthOperation } from '../../shared/http/system.ts';
import { print, runScript } from './deployment.ts';

interface Finding {
  what: string;
  mark: 'OK' | 'WARNING' | 'DOWN';
  detail: string;
}

type Check = (client: Client) => Promise<Finding[]>;
const checks: [string, Check][] = [
  ['API', stores],
  ['bulk users', bulkUsers],
  ['load tester', loadTester],
  ['alerts', alerts],
];

async function stores(client: Client): Promise<Finding[]> {
  const { version, checks } = await client.read(getHealthOperation);
  const { workers, guards, ...databases } = checks;
  const detail = (status: string) => (status === 'ok' ? '' : 'see the log of the api');
  return [
    { what: 'API', mark: 'OK', detail: `${client.url}, version ${version}` },
    ...Object.entries(databases).map(
      ([name, { status }]): Finding => ({
        what: name.replaceAll('_', ' '),
        mark: status === 'ok' ? 'OK' : 'DOWN',
        detail: detail(status),
      }),
    ),
    {
      what: 'guards of production users',
      mark: guards.status === 'ok' ? 'OK' : 'WARNING',
      detail: detail(guards.status),
    },
    { what: 'workers', mark: workers.count > 0 ? 'OK' : 'DOWN', detail: `${workers.count} alive` },
  ];
}

async function bulkUsers(client: Client): Promise<Finding[]> {
  const { total_users, test_users, open_jobs } = await client.read(getBulkUserStatsOperation);
  const detail = `${total_users} users, ${test_users} of them for tests; ${open_jobs} jobs open`;
  return [{ what: 'bulk users', mark: 'OK', detail }];
}

async function loadTester(client: Client): Promise<Finding[]> {
  const { total_users, active_sessions } = await client.read(getAccountStatsOperation);
  return [
    { what: 'load tester', mark: 'OK', detail: `${total_users} accounts, ${active_sessions} sessions` },
  ];
}

async function alerts(client: Client): Promise<Finding[]> {
  const { items } = await client.read(listAlertsOperation);
  return items.map(({ name, status, value, threshold }) => ({
    what: name.replaceAll('_', ' '),
    mark: status === 'ok' ? 'OK' : 'WARNING',
    detail: value === null ? 'nothing to go by yet' : `${Number(value.toFixed(3))}, threshold ${threshold}`,
  }));
}

/** What cannot be asked is down, and the others are asked all the same. */
async function ask(what: string, check: Check, client: Client): Promise<Finding[]> {
  return check(client).catch((error: unknown): Finding[] => {
    if (!(error instanceof CliFailure)) throw error;
    return [{ what, mark: 'DOWN', detail: error.message }];
  });
}

await runScript(async client => {
  const findings: Finding[] = [];
  for (const [what, check] of checks) findings.push(...(await ask(what, check, client)));
  for (const { what, mark, detail } of findings)
    print(`${mark.padEnd(8)} ${what.padEnd(28)} ${detail}`.trimEnd());
  return findings.every(({ mark }) => mark !== 'DOWN');
});
