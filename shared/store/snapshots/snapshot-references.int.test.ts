import { endOf, plantTables, testPlant } from '../../../test/fixtures/plant.ts';
import { waitFor } from '../../kernel/time.ts';

const plant = testPlant();

it('lets production refer to a test row all the while, without a wait', async () => {
  const { sql } = plant.databases.application;
  const before = await plant.digests();
  await plant.disturb();
  await sql`update plant.orders set placed_by = 5019 where is_test_data`;
  let restoring: Promise<unknown> = Promise.resolve();
  await sql.begin(async holder => {
    await holder`select from plant.orders where id = 5000 for update`;
    restoring = plant.snapshots.restore(plant.url, 'plant');
    await waitFor('the restore to be past the employees', async () => {
      const waiting = await sql`
        select from pg_stat_activity where application_name = 'test restore' and wait_event_type = 'Lock'`;
      return waiting.length > 0;
    });
    await sql`insert into plant.shifts values (5003, '2031-01-01', false)`;
  });
  await restoring;
  expect(await sql`delete from plant.shifts where day = '2031-01-01' returning employee_id`).toEqual([
    { employee_id: 5003 },
  ]);
  expect(await plant.digests()).toEqual(before);
});

it('does not let a test row go meanwhile that a row which comes back refers to', async () => {
  const { sql } = plant.databases.application;
  const before = await plant.digests();
  await sql.unsafe(`
    create function plant.wait() returns trigger language plpgsql as
      $$ begin perform pg_advisory_xact_lock(1); return null; end $$;
    create constraint trigger waits after insert on plant.employee_skills deferrable initially deferred
      for each row execute function plant.wait();
    alter table plant.employee_skills enable always trigger waits;
    delete from plant.employee_skills where is_test_data`);
  let restoring: Promise<unknown> = Promise.resolve();
  await sql.begin(async holder => {
    await holder`select pg_advisory_xact_lock(1)`;
    restoring = plant.snapshots.restore(plant.url, 'plant');
    await waitFor('the restore to be at its commit', async () => {
      const waiting = await sql`
        select from pg_stat_activity where application_name = 'test restore' and wait_event = 'advisory'`;
      return waiting.length > 0;
    });
    const deleting = sql.begin(async tx => {
      await tx`set local lock_timeout = '100ms'`;
      await tx`delete from plant.skills where is_test_data`;
    });
    await expect(deleting).rejects.toThrow(/lock timeout/);
  });
  await restoring;
  await sql.unsafe('drop trigger waits on plant.employee_skills; drop function plant.wait');
  expect(await plant.digests()).toEqual(before);
});

it('knows which keys lead to rows of its own, and looks at the others when it comes back', async () => {
  const { sql } = plant.databases.application;
  await sql`insert into plant.skills values ('painting', false)`;
  await sql`insert into plant.employee_skills values (5000, 'painting', 'novice', true)`;
  const { tables: kept } = await plant.snapshots.create(plant.url, 'open', plantTables);
  const keysOf = (name: string) => kept.find(table => table.name === name)?.closed_keys;
  expect(keysOf('plant.employee_skills')).toEqual(['employee_skills_employee_id_fkey']);
  expect(keysOf('plant.departments')).toEqual(['departments_head_id_fkey']);
  expect(keysOf('plant.skills')).toEqual([]);
  await sql`delete from plant.employee_skills where skill = 'painting'`;
  await plant.snapshots.restore(plant.url, 'open');
  expect(await sql`delete from plant.employee_skills where skill = 'painting' returning 1`).toHaveLength(1);
  await sql`delete from plant.skills where name = 'painting'`;
  const before = await plant.digests();
  expect(await endOf(plant.snapshots.restore(plant.url, 'open'))).toMatch(
    /^conflict: .*employee_skills.*skills/,
  );
  expect(await plant.digests()).toEqual(before);
});

it('does not let a cascade take a production row', async () => {
  const { sql } = plant.databases.application;
  await sql`insert into plant.shifts values (5003, '2030-01-01', false)`;
  const before = await plant.digests();
  expect(await endOf(plant.snapshots.restore(plant.plainUrl, 'plant'))).toMatch(/^conflict: .*plant\.shifts/);
  await plant.snapshots.restore(plant.url, 'plant');
  expect(await plant.digests()).toEqual(before);
  await sql`delete from plant.shifts where day = '2030-01-01'`;
});

it('is refused where a trigger drops parents, when rows are added to those that are there', async () => {
  const { sql } = plant.databases.application;
  const before = await plant.digests();
  await plant.snapshots.create(plant.url, 'pair', ['plant.skills', 'plant.employee_skills']);
  await sql.unsafe(`
    delete from plant.employee_skills where is_test_data; delete from plant.skills where is_test_data;
    create function plant.drop_row() returns trigger language plpgsql as $$ begin return null; end $$;
    create trigger drops before insert on plant.skills for each row execute function plant.drop_row();
    alter table plant.skills enable always trigger drops`);
  const restore = () => plant.snapshots.restore(plant.url, 'pair', { cleanExisting: false });
  expect(await endOf(restore())).toMatch(/^conflict: .*employee_skills.*skills/);
  await sql.unsafe('drop trigger drops on plant.skills; drop function plant.drop_row');
  await restore();
  expect(await plant.digests()).toEqual(before);
});
