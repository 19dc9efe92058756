import { type SQL, sql } from 'drizzle-orm';
import { type DatasetDefinition, type DatasetTable, rowIdPrefix } from '../../contracts/datasets.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import {
  areaCodes,
  firstNames,
  jobTitles,
  lastNames,
  officeKindNames,
  officeKinds,
  officeNames,
  postalPrefixes,
  qualifications,
  towns,
} from './dataset-words.ts';

/**
 * The rows of a dataset, made by the database itself: one statement a table, whatever the number of rows. What a row
 * holds is drawn from SHA-256 of the dataset's id, the table and the row's number, so it is the same on any machine, of
 * any PostgreSQL, in any chunking; ids are the numbers themselves, so that foreign keys need no look at the parents.
 */
export interface DatasetRows {
  datasetId: string;
  definition: DatasetDefinition;
  passwordHash: string;
}

/** Offices from `first` to `last`, both included, counted from 1. */
export interface OfficeRange {
  first: number;
  last: number;
}

/** The number of the staff member that creates the offices; the others count from 1. */
const systemStaff = 0;

/** The id of the row of this number. */
export const rowIdOf = (datasetId: string, table: DatasetTable, number: SQL): SQL =>
  sql`(${rowIdPrefix(datasetId, table)} || lpad(to_hex(${number}), 12, '0'))::uuid`;

/** The rows of a table, as SQL fragments: their ids, and what is drawn for the row numbered `n`. */
function tableOf({ datasetId }: Pick<DatasetRows, 'datasetId'>, table: DatasetTable) {
  const prefix = rowIdPrefix(datasetId, table);
  return {
    idOf: (number: SQL) => rowIdOf(datasetId, table, number),
    /** 32 random bytes `h` of the row; `offset 0` keeps the planner from computing them at each use. */
    draws: sql`lateral (select sha256(convert_to(${prefix} || n, 'UTF8')) as h offset 0) as drawn`,
  };
}

/** An integer from 0 to `below - 1`; two bytes of the draw, from `at` on, so that small ranges are close to even. */
const draw = (at: number, below: number): SQL =>
  sql.raw(`((get_byte(h, ${at}) * 256 + get_byte(h, ${at + 1})) % ${below})`);

/** Words as an array of the database's; none of them has a quote or a comma. */
const array = (words: readonly string[]): SQL => sql`${`{${words.join(',')}}`}::text[]`;
const pick = (words: readonly string[], at: number, given = draw(at, words.length)): SQL =>
  sql`(${array(words)})[1 + ${given}]`;

/** In UTC before a time zone comes in: a day of the session's own may have 23 hours. */
const momentBefore = (referenceDate: string, interval: SQL): SQL =>
  sql`((${referenceDate}::timestamp - ${interval}) at time zone 'UTC')`;
const daysBefore = (referenceDate: string, days: SQL): SQL => sql`(${referenceDate}::date - ${days})`;

/** `is_test_data, dataset_id, created_at, updated_at` */
const markers = ({ datasetId, definition }: DatasetRows): SQL => {
  const moment = sql`(${definition.referenceDate}::timestamp at time zone 'UTC')`;
  return sql`true, ${datasetId}::uuid, ${moment}, ${moment}`;
};
const markerColumns = sql.raw('is_test_data, dataset_id, created_at, updated_at');

/** Makes the staff member that creates the offices; twice is the same as once. */
export async function insertSystemStaff(tx: Executor, rows: DatasetRows): Promise<void> {
  const { idOf } = tableOf(rows, 'staffs');
  await tx.execute(sql`
    insert into staffs (id, email, hashed_password, last_name, first_name, last_name_furigana, first_name_furigana,
      role, job_title, is_system, ${markerColumns})
    values (${idOf(sql`${systemStaff}::int`)}, ${`system@${domainOf(rows)}`}, ${rows.passwordHash},
      'システム', '管理', 'しすてむ', 'かんり', 'owner', 'システム', true, ${markers(rows)})
    on conflict (id) do nothing`);
}

/** Addresses that nobody else has and that no mail goes to: example.com is reserved (RFC 2606). */
const domainOf = ({ datasetId }: DatasetRows): string => `d${datasetId.slice(0, 8)}.example.com`;

/** Makes a range of offices with all that belongs to them, in six statements, parents first. */
export async function insertOffices(tx: Executor, rows: DatasetRows, range: OfficeRange): Promise<void> {
  for (const statement of [
    staffsOf(rows, range),
    officesOf(rows, range),
    officeStaffsOf(rows, range),
    recipientsOf(rows, range),
    officeRecipientsOf(rows, range),
    cyclesOf(rows, range),
  ]) {
    await tx.execute(statement);
  }
}

/** The numbers `n` of what a range of offices has `each` of. */
const numbers = ({ first, last }: OfficeRange, each: number): SQL =>
  sql`generate_series(${(first - 1) * each + 1}::int, ${last * each}::int) as n`;

function staffsOf(rows: DatasetRows, range: OfficeRange): SQL {
  const { idOf, draws } = tableOf(rows, 'staffs');
  const { staffsPerOffice, referenceDate } = rows.definition;
  const each = sql.raw(String(staffsPerOffice));
  const threshold = sql`(array[7, 14, 30])[1 + ${draw(20, 3)}]`;
  return sql`
    insert into staffs (id, email, hashed_password, last_name, first_name, last_name_furigana, first_name_furigana,
      role, employee_number, job_title, employment_type, qualification, phone, date_of_birth, hired_on,
      notification_preferences, is_email_verified, is_mfa_enabled, failed_login_attempts, password_changed_at,
      last_login_at, ${markerColumns})
    select ${idOf(sql`n`)},
      ${pick(firstNames.latin, 2)} || '.' || ${pick(lastNames.latin, 0)} || '.' || n || ${`@${domainOf(rows)}`},
      ${rows.passwordHash}, ${pick(lastNames.written, 0)}, ${pick(firstNames.written, 2)},
      ${pick(lastNames.furigana, 0)}, ${pick(firstNames.furigana, 2)},
      case (n - 1) % ${each} when 0 then 'owner' when 1 then 'manager' else 'employee' end,
      'E' || lpad(n::text, 6, '0'), ${pick(jobTitles, 4)},
      (array['full_time', 'full_time', 'part_time', 'contract'])[1 + ${draw(6, 4)}],
      case when ${draw(8, 3)} = 0 then ${pick(qualifications, 10)} end,
      '090-' || lpad(${draw(12, 10000)}::text, 4, '0') || '-' || lpad(${draw(14, 10000)}::text, 4, '0'),
      ${daysBefore(referenceDate, sql`(7300 + ${draw(16, 14_600)})`)},
      ${daysBefore(referenceDate, sql`(30 + ${draw(18, 3650)})`)},
      jsonb_build_object('in_app_notification', true, 'email_notification', ${draw(22, 10)} > 0,
        'system_notification', ${draw(24, 4)} = 0, 'email_threshold_days', ${threshold}, 'push_threshold_days', 10),
      true, ${draw(26, 5)} = 0, 0,
      ${momentBefore(referenceDate, sql`${draw(28, 180)} * interval '1 day'`)},
      ${momentBefore(referenceDate, sql`${draw(30, 43_200)} * interval '1 minute'`)},
      ${markers(rows)}
    from ${numbers(range, staffsPerOffice)}, ${draws}`;
}

function officesOf(rows: DatasetRows, range: OfficeRange): SQL {
  const { idOf, draws } = tableOf(rows, 'offices');
  const town = draw(4, towns.length);
  const street = sql`(1 + ${draw(6, 9)}) || '-' || (1 + ${draw(8, 30)}) || '-' || (1 + ${draw(10, 20)})`;
  return sql`
    insert into offices (id, name, kind, registration_number, postal_code, address, phone, email, capacity,
      created_by, ${markerColumns})
    select ${idOf(sql`n`)}, ${pick(officeNames, 0)} || ${pick(officeKindNames, 2)} || n, ${pick(officeKinds, 2)},
      ${rows.datasetId.slice(0, 8)} || '-' || lpad(n::text, 6, '0'),
      ${pick(postalPrefixes, 4, town)} || '-' || lpad(${draw(12, 10000)}::text, 4, '0'),
      ${pick(towns, 4, town)} || ${street},
      ${pick(areaCodes, 4, town)} || '-' || lpad(${draw(14, 1000)}::text, 3, '0') || '-' ||
        lpad(${draw(16, 10000)}::text, 4, '0'),
      'office' || n || ${`@${domainOf(rows)}`}, 10 + 5 * ${draw(18, 9)},
      ${tableOf(rows, 'staffs').idOf(sql`${systemStaff}::int`)}, ${markers(rows)}
    from ${numbers(range, 1)}, ${draws}`;
}

function officeStaffsOf(rows: DatasetRows, range: OfficeRange): SQL {
  const { staffsPerOffice } = rows.definition;
  const each = sql.raw(String(staffsPerOffice));
  return sql`
    insert into office_staffs (staff_id, office_id, is_primary, ${markerColumns})
    select ${tableOf(rows, 'staffs').idOf(sql`n`)}, ${tableOf(rows, 'offices').idOf(sql`(n - 1) / ${each} + 1`)},
      true, ${markers(rows)}
    from ${numbers(range, staffsPerOffice)}`;
}

function recipientsOf(rows: DatasetRows, range: OfficeRange): SQL {
  const { idOf, draws } = tableOf(rows, 'welfare_recipients');
  const { recipientsPerOffice, referenceDate } = rows.definition;
  const women = firstNames.written.length / 2;
  const isMan = draw(2, 2);
  const firstName = sql`(${isMan} * ${sql.raw(String(women))} + ${draw(4, women)})`;
  return sql`
    insert into welfare_recipients (id, last_name, first_name, last_name_furigana, first_name_furigana, date_of_birth,
      gender, disability_grade, notes, ${markerColumns})
    select ${idOf(sql`n`)}, ${pick(lastNames.written, 0)}, ${pick(firstNames.written, 4, firstName)},
      ${pick(lastNames.furigana, 0)}, ${pick(firstNames.furigana, 4, firstName)},
      ${daysBefore(referenceDate, sql`(6570 + ${draw(6, 18_250)})`)},
      (array['female', 'male'])[1 + ${isMan}],
      case when ${draw(8, 4)} > 0 then 1 + ${draw(10, 6)} end,
      case when ${draw(12, 10)} = 0 then '通院日は欠席の連絡あり' end, ${markers(rows)}
    from ${numbers(range, recipientsPerOffice)}, ${draws}`;
}

function officeRecipientsOf(rows: DatasetRows, range: OfficeRange): SQL {
  const { draws } = tableOf(rows, 'office_welfare_recipients');
  const { recipientsPerOffice, referenceDate } = rows.definition;
  const each = sql.raw(String(recipientsPerOffice));
  return sql`
    insert into office_welfare_recipients (welfare_recipient_id, office_id, started_on, ${markerColumns})
    select ${tableOf(rows, 'welfare_recipients').idOf(sql`n`)},
      ${tableOf(rows, 'offices').idOf(sql`(n - 1) / ${each} + 1`)},
      ${daysBefore(referenceDate, sql`(190 + ${draw(0, 2000)})`)}, ${markers(rows)}
    from ${numbers(range, recipientsPerOffice)}, ${draws}`;
}

/**
 * Half a year a cycle, one after the other. The latest one's deadline is spread over the half year from the reference
 * date on; of one in thirty it has passed, by up to two weeks.
 */
function cyclesOf(rows: DatasetRows, range: OfficeRange): SQL {
  const { idOf } = tableOf(rows, 'support_plan_cycles');
  const recipients = tableOf(rows, 'welfare_recipients');
  const { recipientsPerOffice, cyclesPerRecipient, referenceDate } = rows.definition;
  const each = sql.raw(String(recipientsPerOffice));
  const cycles = sql.raw(String(cyclesPerRecipient));
  return sql`
    insert into support_plan_cycles (id, welfare_recipient_id, office_id, cycle_number, plan_cycle_start_date,
      next_renewal_deadline, final_plan_signed_date, is_latest_cycle, ${markerColumns})
    select ${idOf(sql`(n - 1) * ${cycles} + cycle`)}, ${recipients.idOf(sql`n`)},
      ${tableOf(rows, 'offices').idOf(sql`(n - 1) / ${each} + 1`)}, cycle, deadline - 182, deadline,
      case when cycle < ${cycles} or signed then deadline - 182 + signed_after end, cycle = ${cycles}, ${markers(rows)}
    from ${numbers(range, recipientsPerOffice)}, ${recipients.draws},
      generate_series(1, ${cycles}) as cycle,
      lateral (select ${draw(24, 3)} > 0 as signed, ${draw(26, 30)} as signed_after, ${referenceDate}::date
        + case when ${draw(20, 30)} = 0 then -1 - ${draw(22, 14)} else ${draw(22, 182)} end
        - 182 * (${cycles} - cycle) as deadline offset 0) as dates`;
}
