import { newId } from '../../../../shared/kernel/ids.ts';
import { withQueryCount } from '../../../../shared/platform/postgres/db.ts';
import { digestTableOf } from '../../../../shared/store/user-sync/synced-users.ts';
import { storefrontUsers } from '../../../../shared/store/users/user-table.ts';
import { testDatabases } from '../../../../test/fixtures/database.ts';
import { listDifferences, type Position } from './differences.ts';

const databases = testDatabases();
const scope = { testUsersOnly: true };
const pageSize = 400;

it('lists a page of differences with three looks at each side, and every one on some page', async () => {
  const { application, platform } = databases;
  const addUsers = (batchId: string, count: number) => application.sql`
    insert into users (username, email, password_hash, is_test_user, test_batch_id)
    select 'u' || n, 'u' || n, 'x', true, ${batchId} from generate_series(1, ${count}::int) n`;
  await addUsers(newId(), 1000);
  let looks = 0;
  const look = () => {
    looks += 1;
  };
  const sides = {
    db: withQueryCount(platform, look),
    applicationDb: withQueryCount(application, look),
    applicationTable: await digestTableOf(application.db, storefrontUsers),
  };
  const found: string[] = [];
  let after: Position | undefined;
  for (let page = 0; page < 3; page++) {
    looks = 0;
    const items = await listDifferences(sides, scope, { after, limit: pageSize });
    expect(looks).toBe(6);
    found.push(...items.map(({ username }) => username));
    after = items.at(-1);
  }
  expect(new Set(found).size).toBe(1000);
  expect(found).toHaveLength(1000);
});
