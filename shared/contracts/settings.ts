import { z } from 'zod';

/**
 * Settings that people change while Muster runs: `PUT /api/settings` checks and keeps them, with their history. Every
 * process reads them when it needs them, so a change holds from the next request, job or chunk on, without a restart.
 * What belongs to a process and not to the whole installation (ports, keys, limits of a machine) is in the environment
 * (`shared/platform/config.ts`).
 */
const share = z.number().min(0).max(1);
const percent = z.number().min(0).max(100);

export const settingsSchema = z.strictObject({
  accepting_jobs: z.boolean().default(true).describe('False drains: new work is refused with 503 `draining`'),
  max_bulk_users: z.int().min(1).max(10_000_000).default(1_000_000).describe('Users of one request at most'),
  bulk_chunk_size: z
    .int()
    .min(1)
    .max(10_000)
    .nullable()
    .default(null)
    .describe('Users of a chunk where the request does not say; null chooses by the count'),
  strict_mode: z
    .boolean()
    .default(true)
    .describe(
      'Cleanup refuses a batch of which the table and the ledger disagree, before it deletes anything',
    ),
  allow_partial_cleanup: z
    .boolean()
    .default(false)
    .describe('Cleanup of several batches goes on with the others when one is refused'),
  confirmation_required: z
    .boolean()
    .default(true)
    .describe('Cleanup by age, which names no batch, needs `confirm: true`'),
  retention_enabled: z
    .boolean()
    .default(false)
    .describe('Clean up batches past `retention_days` every night'),
  retention_days: z.int().min(0).max(3650).default(30),
  cleanup_on_shutdown: z
    .boolean()
    .default(false)
    .describe('The local stack cleans every batch up before it stops'),
  job_retention_days: z
    .int()
    .min(0)
    .max(3650)
    .default(90)
    .describe('Days after which ended jobs and load tests are deleted; 0 keeps them'),
  audit_retention_days: z
    .int()
    .min(0)
    .max(3650)
    .default(400)
    .describe('Days after which what stands in the audit log is deleted; 0 keeps it'),
  sync_enabled: z.boolean().default(false).describe('Sync on a schedule'),
  sync_interval_minutes: z.int().min(1).max(10_080).default(30),
  auto_login_on_sync: z.boolean().default(false).describe('A scheduled sync logs new accounts in'),
  sync_timeout_seconds: z.number().min(1).max(600).default(30).describe('Of one request to a peer'),
  sync_retry_attempts: z.int().min(0).max(10).default(3),
  sync_retry_delay_seconds: z
    .number()
    .min(0)
    .max(600)
    .default(1)
    .describe('Doubled with each retry, with jitter'),
  sync_chunk_size: z.int().min(100).max(50_000).default(5000).describe('Users of a chunk'),
  sync_worker_count: z.int().min(1).max(64).default(4).describe('Chunks at once'),
  sync_conflict_policy: z.enum(['newest', 'application', 'load_tester']).default('newest'),
  sync_max_delete_share: share
    .default(0.2)
    .describe('A sync that would delete a larger share stops and asks for `confirm`'),
  sync_tombstone_days: z.int().min(1).max(3650).default(30).describe('How long deletions are remembered'),
  alert_user_creation_failure_rate: share.default(0.05),
  alert_sync_failure_rate: share.default(0.1),
  alert_response_time_p95_seconds: z.number().min(0).default(5),
  alert_memory_percent: percent.default(80),
  alert_disk_percent: percent.default(85),
});
export type Settings = z.infer<typeof settingsSchema>;
type SettingName = keyof Settings;
export type SettingChanges = { [K in SettingName]?: Settings[K] };

/** Some settings, without their defaults: what is absent stays as it is. */
const changedFields = Object.entries(settingsSchema.shape).map(([name, field]) => {
  const bare: z.ZodType = field.unwrap();
  return [name, bare.optional().describe(field.description ?? '')];
});
export const settingChangesSchema = z
  .strictObject(Object.fromEntries(changedFields))
  .pipe(z.custom<SettingChanges>());
