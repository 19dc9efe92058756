import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { testDatabases } from '../../../test/fixtures/database.ts';
import { type DatasetDefinition, datasetIdOf, rowsOf } from '../../contracts/datasets.ts';
import { type DatasetRows, insertOffices, insertSystemStaff } from './dataset-rows.ts';

const databases = testDatabases();

function rowsFor(sizes: Partial<DatasetDefinition>): DatasetRows {
  const definition = {
    seed: 1,
    referenceDate: '2026-10-01',
    offices: 2,
    staffsPerOffice: 2,
    recipientsPerOffice: 3,
    cyclesPerRecipient: 2,
    ...sizes,
  };
  return { datasetId: datasetIdOf(definition), definition, passwordHash: '$argon2id$test' };
}

/** Inserts a dataset over a connection of its own; gives the number of statements that it took. */
async function insertCounting(rows: DatasetRows): Promise<number> {
  const statements = new Set<string>();
  let count = 0;
  const sql = postgres(databases.applicationUrl, {
    max: 1,
    fetch_types: false,
    debug: (_connection, query) => {
      statements.add(query);
      count += 1;
    },
  });
  try {
    const db = drizzle(sql);
    await insertSystemStaff(db, rows);
    await insertOffices(db, rows, { first: 1, last: rows.definition.offices });
    return count;
  } finally {
    await sql.end();
  }
}

it('takes as many statements for many rows as for few', async () => {
  const few = await insertCounting(rowsFor({ seed: 1 }));
  const many = await insertCounting(rowsFor({ seed: 2, offices: 50, recipientsPerOffice: 20 }));
  expect([few, many]).toEqual([7, 7]);
});

it('gives every table the number of rows that the contract says', async () => {
  const rows = rowsFor({ seed: 3, offices: 4, staffsPerOffice: 0 });
  await insertCounting(rows);
  for (const [table, expected] of Object.entries(rowsOf(rows.definition))) {
    const [found] = await databases.application.sql`
      select count(*)::int as rows from ${databases.application.sql(table)} where dataset_id = ${rows.datasetId}`;
    expect([table, found?.rows]).toEqual([table, expected]);
  }
});

it('does not depend on the time zone or the formats of the session', async () => {
  // The clocks of New York went back in the month before.
  const rows = rowsFor({ seed: 4, referenceDate: '2026-12-01', staffsPerOffice: 20 });
  const digest = async (timezone: string) => {
    const sql = postgres(databases.applicationUrl, {
      max: 1,
      connection: { timezone, datestyle: 'SQL, DMY' },
    });
    try {
      await drizzle(sql).transaction(async tx => {
        await insertSystemStaff(tx, rows);
        await insertOffices(tx, rows, { first: 1, last: 2 });
      });
      const [row] = await databases.application.sql<{ digest: string }[]>`
        select md5(string_agg(to_jsonb(s)::text, ',' order by id)) as digest from staffs s
        where dataset_id = ${rows.datasetId}`;
      return row?.digest;
    } finally {
      await databases.application.sql`
        truncate support_plan_cycles, office_welfare_recipients, welfare_recipients, office_staffs, offices, staffs cascade`;
      await sql.end();
    }
  };
  expect(await digest('Asia/Tokyo')).toBe(await digest('America/New_York'));
});

it('spreads the latest deadlines over half a year, some of them overdue', async () => {
  await insertCounting(rowsFor({ seed: 5, offices: 10, recipientsPerOffice: 100 }));
  const [found] = await databases.application.sql`
    select min(next_renewal_deadline) >= '2026-09-17' and max(next_renewal_deadline) < '2027-04-01' as within,
      count(*) filter (where next_renewal_deadline < '2026-10-01') between 10 and 80 as some_overdue
    from support_plan_cycles where is_latest_cycle`;
  expect(found).toEqual({ within: true, some_overdue: true });
});
