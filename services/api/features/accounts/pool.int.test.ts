import {
  account,
  getAccountStatsOperation,
  listAccountsOperation,
} from '../../../../shared/http/accounts.ts';
import { bodyOf, testApi } from '../../../../test/fixtures/api.ts';
import { testDatabases } from '../../../../test/fixtures/database.ts';
import { linesOf, ndjson, userImport, userOf, usersOf } from '../../../../test/fixtures/user-import.ts';

const databases = testDatabases();
const api = testApi(databases);
const { imported, pool } = userImport(api, databases);

describe('the pool', () => {
  const batches = ['0198f000-0000-7000-8000-000000000001', '0198f000-0000-7000-8000-000000000002'];
  const page = listAccountsOperation.responses[200].schema;
  const stats = getAccountStatsOperation.responses[200].schema;
  const statistics = async () => bodyOf(await api.call('GET', '/api/users/stats'), stats);

  beforeEach(async () => {
    const rows = usersOf(5, { password: 'Secret123!' }).map((each, index) => ({
      ...each,
      test_batch_id: batches[index % 2],
    }));
    await imported(linesOf(rows), ndjson);
  });

  it('is listed page by page, by batch, and without secrets', async () => {
    const first = await api.call('GET', `/api/users?batch_id=${batches[0]}&limit=2`);
    const text = await first.text();
    expect(text).not.toMatch(/Secret123|sealed|v1\./);
    const { items, next_cursor } = page.parse(JSON.parse(text));
    const second = await api.call('GET', `/api/users?batch_id=${batches[0]}&limit=2&cursor=${next_cursor}`);
    const rest = await bodyOf(second, page);
    expect([...items, ...rest.items].map(item => item.username)).toEqual(['user0', 'user2', 'user4']);
    expect([items[0]?.has_password, rest.next_cursor]).toEqual([true, null]);
    const found = await bodyOf(await api.call('GET', `/api/users/${items[0]?.id}`), account);
    expect(found).toEqual(items[0]);
  });

  it('gives counts and a digest that only the accounts decide', async () => {
    const before = await statistics();
    expect(before).toMatchObject({
      total_users: 5,
      by_batch: { [batches[0] ?? '']: 3, [batches[1] ?? '']: 2 },
      active_sessions: 0,
      leased: 0,
    });
    await imported(linesOf([userOf('one more')]), ndjson);
    expect((await statistics()).digest).not.toBe(before.digest);
  });

  it('forgets a batch for admins, and keeps that it was there', async () => {
    const path = `/api/users?batch_id=${batches[0]}`;
    const [first] = await pool();
    expect(await (await api.call('DELETE', path)).json()).toEqual({ batch_id: batches[0], deleted: 3 });
    expect(await (await api.call('DELETE', path)).json()).toEqual({ batch_id: batches[0], deleted: 0 });
    expect(await statistics()).toMatchObject({ total_users: 2, by_batch: { [batches[1] ?? '']: 2 } });
    const tombstone = await bodyOf(await api.call('GET', `/api/users/${first?.id}`), account);
    expect(tombstone).toMatchObject({ status: 'deleted', has_password: false });
  });
});
