import { bigint, index, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' });

/** Settings that were changed; what is not here has its default (`shared/contracts/settings.ts`). */
export const settings = pgTable('settings', {
  name: text('name').primaryKey(),
  value: jsonb('value').notNull(),
  updatedBy: text('updated_by').notNull(),
  updatedAt: moment('updated_at').notNull().defaultNow(),
});

export const settingsHistory = pgTable('settings_history', {
  id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
  name: text('name').notNull(),
  from: jsonb('from_value').notNull(),
  to: jsonb('to_value').notNull(),
  changedBy: text('changed_by').notNull(),
  changedAt: moment('changed_at').notNull().defaultNow(),
});

/** Who did what, to what: written in the transaction of the deed, never changed, deleted when old. */
export const auditLog = pgTable(
  'audit_log',
  {
    id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    at: moment('at').notNull().defaultNow(),
    /** The name of the API key, of the schedule or of the file that acted. */
    actor: text('actor').notNull(),
    /** The API key, which may be deleted since: names are not unique. Null for what acted without one. */
    keyId: uuid('key_id'),
    /** `<noun>.<verb>`: `bulk-users.cleanup`, `settings.change`, `credentials.export`. */
    action: text('action').notNull(),
    /** What it was done to: a batch, a key, a setting, a template. */
    subject: text('subject'),
    detail: jsonb('detail').$type<Record<string, unknown>>().notNull().default({}),
    requestId: text('request_id'),
  },
  table => [
    index('audit_log_actor').on(table.actor, table.id),
    index('audit_log_action').on(table.action, table.id),
    index('audit_log_subject').on(table.subject, table.id),
  ],
);

/** Templates of bulk creation that people made; `default` and `admin` are built in, and may be overridden here. */
export const userTemplates = pgTable('user_templates', {
  name: text('name').primaryKey(),
  description: text('description').notNull().default(''),
  /** Parts of a creation config (`shared/http/bulk-users.ts`), without the password. */
  config: jsonb('config').$type<Record<string, unknown>>().notNull(),
  /** The template's own password, encrypted; null when it has none. */
  sealedPassword: text('sealed_password'),
  updatedBy: text('updated_by').notNull(),
  createdAt: moment('created_at').notNull().defaultNow(),
  updatedAt: moment('updated_at').notNull().defaultNow(),
});

/** Single values of an installation, such as the proof of its encryption key. */
export const installation = pgTable('installation', {
  name: text('name').primaryKey(),
  value: text('value').notNull(),
});

export type AuditRow = typeof auditLog.$inferSelect;
export type TemplateRow = typeof userTemplates.$inferSelect;
