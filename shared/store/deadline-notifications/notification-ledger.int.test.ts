import { testDatabases } from '../../../test/fixtures/database.ts';
import { makeOffices } from '../../../test/fixtures/welfare.ts';
import { newId } from '../../kernel/ids.ts';
import { settleDelivery } from './notification-deliveries.ts';
import { type Checkpoint, checkpoint, type DeliveryClaim } from './notification-ledger.ts';
import { reservePlaces } from './notification-paces.ts';
import { type PageLease, settleLeftovers, takePage } from './notification-pages.ts';

const databases = testDatabases();
const db = () => databases.application.db;
const nothing: Checkpoint = { results: [], claims: [], selections: [], resumed: [], goneSubscriptions: [] };

async function page(runId = newId()): Promise<PageLease> {
  const lease = await takePage(db(), { runId, run: 0, pageIndex: 0 }, { worker: 'test', sweep: false });
  if (lease === undefined) throw new Error('The page is done');
  return lease;
}

const claimOf = (staffId: string): DeliveryClaim => ({
  id: newId(),
  staffId,
  channel: 'email',
  selection: 0,
  status: 'sending',
});

const claim = (lease: PageLease, delivery: DeliveryClaim, cycles: string[], officeId = newId()) =>
  checkpoint(db(), lease, {
    ...nothing,
    claims: [delivery],
    selections: [{ officeId, cycleIds: cycles.join(',') }],
  });

/** Undefined when it is as if it had never been claimed. */
async function statusOf({ id }: DeliveryClaim): Promise<unknown> {
  const { sql } = databases.application;
  const [row] = await sql`select status from muster.notification_deliveries where id = ${id}`;
  return row?.status;
}

describe('the ledger', () => {
  it('lets one of many claims at once have a cycle, and gives it back when sending it failed', async () => {
    const [office, staff, cycles] = [newId(), newId(), [newId(), newId()]];
    const claims = Array.from({ length: 8 }, () => claimOf(staff));
    const leases = await Promise.all(claims.map(() => page()));
    const allowed = await Promise.all(
      claims.map(async (delivery, index) => {
        const lease = leases[index];
        return lease && (await claim(lease, delivery, index % 2 === 0 ? cycles : cycles.slice(1), office));
      }),
    );
    const winners = claims.filter((delivery, index) => allowed[index]?.has(delivery.id));
    expect(winners).toHaveLength(1);

    const lease = await page();
    const failed = winners.map(({ id }) => ({ id, status: 'failed' as const, attempts: 1 }));
    await checkpoint(db(), lease, { ...nothing, results: failed });
    const again = claimOf(staff);
    expect(await claim(lease, again, cycles, office)).toEqual(new Set([again.id]));
  });

  it('takes no claims of a page that another worker has, but what that one sent is a fact', async () => {
    const stale = await page();
    const [officeId, staffId] = [newId(), newId()];
    const delivery = claimOf(staffId);
    await claim(stale, delivery, [newId()], officeId);
    const lease = await page(stale.runId);
    expect(await settleLeftovers(db(), lease)).toEqual([{ officeId, staffId, channel: 'email' }]);
    expect(await statusOf(delivery)).toBe('unknown');
    expect(await claim(stale, claimOf(newId()), [newId()])).toBeUndefined();
    const results = [{ id: delivery.id, status: 'sent' as const, attempts: 1 }];
    expect(await checkpoint(db(), stale, { ...nothing, results })).toBeUndefined();
    expect(await statusOf(delivery)).toBe('sent');
  });

  it('frees what a worker that was taken for lost says it never tried, unless a person settled it', async () => {
    const stale = await page();
    const [office, cycles] = [newId(), [newId()]];
    const [released, arrived] = [claimOf(newId()), claimOf(newId())];
    for (const delivery of [released, arrived]) await claim(stale, delivery, cycles, office);
    await takePage(db(), { runId: newId(), run: 0, pageIndex: 0 }, { worker: 'test', sweep: true });
    expect([await statusOf(released), await statusOf(arrived)]).toEqual(['unknown', 'unknown']);
    await settleDelivery(db(), arrived.id, { arrived: true, by: 'ada' });
    const results = [released, arrived].map(({ id }) => ({ id, status: 'released' as const, attempts: 0 }));
    await checkpoint(db(), stale, { ...nothing, results });
    expect([await statusOf(released), await statusOf(arrived)]).toEqual([undefined, 'sent']);
    const lease = await page();
    const again = [claimOf(released.staffId), claimOf(arrived.staffId)];
    const allowed = await Promise.all(again.map(delivery => claim(lease, delivery, cycles, office)));
    expect(allowed).toEqual([new Set([again[0]?.id]), new Set()]);
  });
});

it('long sets lose what will never be told again, and nothing else', async () => {
  const { sql } = databases.application;
  const [office] = await makeOffices(sql, {
    name: 'long',
    offices: 1,
    staffPerOffice: 1,
    recipientsPerOffice: 3,
    firstDeadline: '2020-01-01',
  });
  const cycles = await sql<{ id: string }[]>`
    select id from support_plan_cycles where office_id = ${office ?? ''} order by id`;
  const [latest = '', recent = '', old = ''] = cycles.map(({ id }) => id);
  await sql`update support_plan_cycles set is_latest_cycle = id = ${latest} where office_id = ${office ?? ''}`;
  await sql`update support_plan_cycles set next_renewal_deadline = current_date - 30 where id = ${recent}`;
  const set = [latest, recent, old, newId(), newId()];
  const staff = newId();
  await sql`insert into muster.notification_ledger (office_id, staff_id, channel, cycle_ids)
    values (${office ?? ''}, ${staff}, 'email', ${set})`;
  const sweep = async (longSet: number) => {
    await takePage(db(), { runId: newId(), run: 0, pageIndex: 0 }, { worker: 'test', sweep: true, longSet });
    const [row] = await sql<{ told: string[] }[]>`
      select cycle_ids as told from muster.notification_ledger where staff_id = ${staff}`;
    return row?.told.toSorted();
  };
  expect(await sweep(5)).toEqual(set.toSorted());
  expect(await sweep(4)).toEqual([latest, recent].toSorted());
});

it('a paced channel gives each worker places of its own, one behind the other', async () => {
  const reserve = () => reservePlaces(db(), { channel: 'email', count: 100, intervalMs: 1000 });
  const waits = (await Promise.all([reserve(), reserve(), reserve()])).toSorted((a, b) => a - b);
  expect(waits.map(ms => Math.round(ms / 100_000))).toEqual([0, 1, 2]);
});
