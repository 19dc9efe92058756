import { createECDH, randomBytes } from 'node:crypto';
import type { Sql } from 'postgres';

export const staffPerOffice = 10;
export const recipientsPerOffice = 100;
/** The day from which the benches count. All deadlines are within everybody's threshold. */
export const asOf = '2026-04-01';

/** Adds offices until there are `count`, with staff, recipients and latest cycles, and makes all of them active. */
export async function growOffices(sql: Sql, count: number): Promise<void> {
  await sql`
    insert into staffs (email, hashed_password, last_name, first_name, last_name_furigana, first_name_furigana, is_system)
    values ('system@bench.test', '-', 'system', 'system', '', '', true) on conflict do nothing`;
  await sql`
    insert into offices (name, kind, locale, created_by)
    select '事業所 ' || i, 'type_b', 'ja', s.id
    from generate_series((select count(*) + 1 from offices)::int, ${count}::int) i, staffs s
    where s.email = 'system@bench.test'`;
  await sql`
    create temporary table grown on commit preserve rows as
    select id from offices o where not exists (select from office_staffs os where os.office_id = o.id)`;
  await sql`
    with made as (
      insert into staffs (email, hashed_password, last_name, first_name, last_name_furigana, first_name_furigana)
      select grown.id || '-' || j || '@staff.test', '-', '山田', '太郎' || j, 'ヤマダ', 'タロウ'
      from grown, generate_series(1, ${staffPerOffice}::int) j
      returning id, email
    )
    insert into office_staffs (staff_id, office_id) select id, left(email, 36)::uuid from made`;
  await sql`
    with people as (
      select grown.id as office_id, uuidv7() as id, j from grown, generate_series(1, ${recipientsPerOffice}::int) j
    ), made as (
      insert into welfare_recipients
        (id, last_name, first_name, last_name_furigana, first_name_furigana, date_of_birth, gender)
      select id, '佐藤', '花子' || j, 'サトウ', 'ハナコ', '1980-01-01', 'female' from people
    )
    insert into support_plan_cycles
      (welfare_recipient_id, office_id, cycle_number, plan_cycle_start_date, next_renewal_deadline)
    select id, office_id, 1, ${asOf}::date - 150, ${asOf}::date - 5 + j % 30 from people`;
  await sql`drop table grown`;
  await sql`vacuum analyze`;
}

/** Leaves so many offices active: a run sees no others. */
export async function activate(sql: Sql, count: number): Promise<void> {
  await sql`
    update offices set is_active = id in (select id from offices order by id limit ${count})
    where is_active <> (id in (select id from offices order by id limit ${count}))`;
}

/** Gives the first of every office's staff a browser, at a push service of ours, and turns push on. */
export async function subscribe(sql: Sql, pushUrl: string): Promise<void> {
  const browser = createECDH('prime256v1');
  const p256dh = browser.generateKeys('base64url');
  const auth = randomBytes(16).toString('base64url');
  await sql`truncate push_subscriptions`;
  await sql`
    with chosen as (
      update staffs set notification_preferences =
        notification_preferences || '{"system_notification": true, "push_threshold_days": 30}'
      where email like '%-1@staff.test' returning id
    )
    insert into push_subscriptions (staff_id, endpoint, p256dh_key, auth_key)
    select id, ${pushUrl} || '/' || id, ${p256dh}, ${auth} from chosen`;
}
