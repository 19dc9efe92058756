import { sql } from 'drizzle-orm';
import {
  boolean,
  check,
  date,
  index,
  integer,
  jsonb,
  type PgColumn,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core';

/**
 * The application's second half: welfare offices, their staff, the people they support, and the support plans with
 * their deadlines.
 *
 * In every table a row is production data unless `is_test_data` says otherwise, and `dataset_id` says which dataset of
 * Muster it belongs to. No foreign key cascades: what refers to a row keeps it, so that deleting test data can never
 * take a production row along.
 */
export interface NotificationPreferences {
  in_app_notification: boolean;
  email_notification: boolean;
  system_notification: boolean;
  /** Days before a deadline from which on the channel tells of it. */
  email_threshold_days: number;
  push_threshold_days: number;
}

const moment = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });

const id = () => uuid().primaryKey().default(sql`uuidv7()`);
const times = {
  createdAt: moment('created_at').notNull().defaultNow(),
  updatedAt: moment('updated_at').notNull().defaultNow(),
};
const markers = {
  isTestData: boolean('is_test_data').notNull().default(false),
  datasetId: uuid('dataset_id'),
};

/** Partial, like those of `users`: production rows pay for neither, and either question about test rows is served. */
const markerRules = (name: string, table: { isTestData: PgColumn; datasetId: PgColumn }) => [
  index(`idx_${name}_test_data`).on(table.datasetId).where(sql`${table.isTestData}`),
  check(`${name}_markers`, sql`${table.datasetId} is null or ${table.isTestData}`),
];

export const staffs = pgTable(
  'staffs',
  {
    id: id(),
    email: varchar({ length: 255 }).notNull().unique(),
    /** A PHC string (`$argon2id$...`), see `shared/platform/passwords/password.ts`. */
    hashedPassword: text('hashed_password').notNull(),
    lastName: varchar('last_name', { length: 50 }).notNull(),
    firstName: varchar('first_name', { length: 50 }).notNull(),
    lastNameFurigana: varchar('last_name_furigana', { length: 100 }).notNull(),
    firstNameFurigana: varchar('first_name_furigana', { length: 100 }).notNull(),
    role: text().notNull().default('employee'),
    employeeNumber: varchar('employee_number', { length: 20 }),
    jobTitle: varchar('job_title', { length: 100 }),
    employmentType: text('employment_type').notNull().default('full_time'),
    qualification: varchar({ length: 100 }),
    phone: varchar({ length: 20 }),
    dateOfBirth: date('date_of_birth'),
    hiredOn: date('hired_on'),
    language: varchar({ length: 10 }).notNull().default('ja'),
    timezone: varchar({ length: 50 }).notNull().default('Asia/Tokyo'),
    notificationPreferences: jsonb('notification_preferences')
      .$type<NotificationPreferences>()
      .notNull()
      .default({
        in_app_notification: true,
        email_notification: true,
        system_notification: false,
        email_threshold_days: 30,
        push_threshold_days: 10,
      }),
    isEmailVerified: boolean('is_email_verified').notNull().default(false),
    isMfaEnabled: boolean('is_mfa_enabled').notNull().default(false),
    isActive: boolean('is_active').notNull().default(true),
    /** The one that created the offices: nobody logs in as it, and nobody is told anything. */
    isSystem: boolean('is_system').notNull().default(false),
    failedLoginAttempts: integer('failed_login_attempts').notNull().default(0),
    passwordChangedAt: moment('password_changed_at'),
    lastLoginAt: moment('last_login_at'),
    ...markers,
    ...times,
  },
  table => [
    ...markerRules('staffs', table),
    check('staffs_role', sql`${table.role} in ('owner', 'manager', 'employee')`),
    check('staffs_employment_type', sql`${table.employmentType} in ('full_time', 'part_time', 'contract')`),
    check('staffs_email', sql`${table.email} like '%_@_%'`),
    check('staffs_failed_logins', sql`${table.failedLoginAttempts} >= 0`),
  ],
);

export const offices = pgTable(
  'offices',
  {
    id: id(),
    name: varchar({ length: 255 }).notNull(),
    kind: text().notNull(),
    /** The language of what is sent to its staff. */
    locale: varchar({ length: 10 }).notNull().default('ja'),
    registrationNumber: varchar('registration_number', { length: 20 }).unique(),
    postalCode: varchar('postal_code', { length: 8 }),
    address: text(),
    phone: varchar({ length: 20 }),
    email: varchar({ length: 255 }),
    capacity: integer().notNull().default(20),
    isActive: boolean('is_active').notNull().default(true),
    createdBy: uuid('created_by')
      .notNull()
      .references(() => staffs.id),
    ...markers,
    ...times,
  },
  table => [
    ...markerRules('offices', table),
    index('idx_offices_created_by').on(table.createdBy),
    check('offices_kind', sql`${table.kind} in ('transition', 'type_a', 'type_b', 'daily_care')`),
    check('offices_capacity', sql`${table.capacity} > 0`),
  ],
);

export const officeStaffs = pgTable(
  'office_staffs',
  {
    staffId: uuid('staff_id')
      .notNull()
      .references(() => staffs.id),
    officeId: uuid('office_id')
      .notNull()
      .references(() => offices.id),
    isPrimary: boolean('is_primary').notNull().default(false),
    ...markers,
    ...times,
  },
  table => [
    ...markerRules('office_staffs', table),
    primaryKey({ columns: [table.staffId, table.officeId] }),
    index('idx_office_staffs_office').on(table.officeId),
  ],
);

export const welfareRecipients = pgTable(
  'welfare_recipients',
  {
    id: id(),
    lastName: varchar('last_name', { length: 50 }).notNull(),
    firstName: varchar('first_name', { length: 50 }).notNull(),
    lastNameFurigana: varchar('last_name_furigana', { length: 100 }).notNull(),
    firstNameFurigana: varchar('first_name_furigana', { length: 100 }).notNull(),
    dateOfBirth: date('date_of_birth').notNull(),
    gender: text().notNull(),
    disabilityGrade: integer('disability_grade'),
    notes: text(),
    ...markers,
    ...times,
  },
  table => [
    ...markerRules('welfare_recipients', table),
    check('welfare_recipients_gender', sql`${table.gender} in ('male', 'female', 'other')`),
    check('welfare_recipients_grade', sql`${table.disabilityGrade} between 1 and 6`),
  ],
);

export const officeWelfareRecipients = pgTable(
  'office_welfare_recipients',
  {
    welfareRecipientId: uuid('welfare_recipient_id')
      .notNull()
      .references(() => welfareRecipients.id),
    officeId: uuid('office_id')
      .notNull()
      .references(() => offices.id),
    startedOn: date('started_on').notNull(),
    ...markers,
    ...times,
  },
  table => [
    ...markerRules('office_welfare_recipients', table),
    primaryKey({ columns: [table.welfareRecipientId, table.officeId] }),
    index('idx_office_welfare_recipients_office').on(table.officeId),
  ],
);

/** A plan is renewed every six months: the newest one of a recipient is its latest cycle, whose deadline counts. */
export const supportPlanCycles = pgTable(
  'support_plan_cycles',
  {
    id: id(),
    welfareRecipientId: uuid('welfare_recipient_id')
      .notNull()
      .references(() => welfareRecipients.id),
    officeId: uuid('office_id')
      .notNull()
      .references(() => offices.id),
    cycleNumber: integer('cycle_number').notNull(),
    planCycleStartDate: date('plan_cycle_start_date').notNull(),
    nextRenewalDeadline: date('next_renewal_deadline').notNull(),
    finalPlanSignedDate: date('final_plan_signed_date'),
    isLatestCycle: boolean('is_latest_cycle').notNull().default(true),
    ...markers,
    ...times,
  },
  table => [
    ...markerRules('support_plan_cycles', table),
    unique('support_plan_cycles_number').on(table.welfareRecipientId, table.cycleNumber),
    // What is due at an office: the question of every notification run.
    index('idx_support_plan_cycles_due').on(table.officeId, table.nextRenewalDeadline),
    check('support_plan_cycles_number_positive', sql`${table.cycleNumber} > 0`),
    check('support_plan_cycles_dates', sql`${table.nextRenewalDeadline} > ${table.planCycleStartDate}`),
  ],
);

/** Where a browser of a staff member takes web push (RFC 8030). Datasets make none: an endpoint must be real. */
export const pushSubscriptions = pgTable(
  'push_subscriptions',
  {
    id: id(),
    staffId: uuid('staff_id')
      .notNull()
      .references(() => staffs.id),
    endpoint: text().notNull().unique(),
    p256dhKey: text('p256dh_key').notNull(),
    authKey: text('auth_key').notNull(),
    userAgent: text('user_agent'),
    ...markers,
    ...times,
  },
  table => [
    ...markerRules('push_subscriptions', table),
    index('idx_push_subscriptions_staff').on(table.staffId),
    check(
      'push_subscriptions_endpoint',
      sql`${table.endpoint} like 'https://%' or ${table.endpoint} like 'http://%'`,
    ),
  ],
);
