import { z } from 'zod';
import { defineQueue } from '../platform/queue/contract.ts';
import { defineJob, type Outcome } from './job.ts';
import { mayBeRefused } from './refusal.ts';

/**
 * Bulk login: one job a request (the conductor: plans the chunks, hands the lanes out, watches, concludes), and some
 * lanes, each a task with its share of the concurrency and of the rate, so that the target never gets more than was
 * asked for, whatever the number of workers. A lane takes chunk after chunk; the sessions of a chunk are written as they
 * come, under the epoch of its claim. A lane that was lost is handed out again, and passes over what was done.
 */

/** How to log in at a target. */
export const loginSchema = z.strictObject({
  method: z.enum(['POST', 'PUT', 'PATCH']).default('POST'),
  path: z
    .string()
    .max(2000)
    .refine(path => path.startsWith('/') && staysOn(path), 'must be a path on the target, such as /login'),
  content_type: z.enum(['json', 'form']).default('json'),
  body: z
    .record(z.string().max(200), z.json())
    .refine(body => JSON.stringify(body).length <= 16_384, 'must not be longer than 16 KiB as JSON')
    .describe('With the placeholders `{username}` and `{password}` in its texts'),
  session: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('cookie') }),
      z.strictObject({
        type: z.literal('bearer'),
        json_pointer: z
          .string()
          .max(500)
          .regex(/^(\/([^~/]|~[01])*)+$/, 'must be a JSON pointer, such as /access_token'),
      }),
    ])
    .default({ type: 'cookie' })
    .describe('`cookie`: what the answer sets. `bearer`: the text at `json_pointer` of the answer'),
});
export type Login = z.output<typeof loginSchema>;

/** A browser reads `//host` and `/\host` as another host; so does `URL`, which is asked. */
const anyOrigin = 'http://target.invalid';
const staysOn = (path: string): boolean => URL.parse(path, anyOrigin)?.origin === anyOrigin;

/** The storefront's. */
export const defaultLogin: Login = {
  method: 'POST',
  path: '/login',
  content_type: 'json',
  body: { username: '{username}', password: '{password}' },
  session: { type: 'cookie' },
};

const count = z.int().min(0);

const bulkLoginResult = z.object({
  /** Accounts that were tried: those with a session already are not among them. */
  attempted: count,
  logged_in: count,
  failed: count,
  /** By reason code (`docs/reason-codes.md`). */
  failures: z.record(z.string(), count),
  /** Seconds. */
  duration: z.number(),
  /** Of the logins that succeeded, in milliseconds; null when none did. */
  p95_ms: z.number().nullable(),
});
export type BulkLoginResult = z.infer<typeof bulkLoginResult>;

function outcomeOfLogin({ failed, logged_in, failures }: BulkLoginResult): Outcome {
  if (failed === 0) return { status: 'succeeded' };
  if (logged_in > 0) return { status: 'partially_succeeded' };
  const reasons = Object.entries(failures).map(([code, times]) => `${code} ${times}`);
  return { status: 'failed', error: { code: 'nobody_logged_in', message: `No login succeeded: ${reasons}` } };
}

export const bulkLogin = defineJob({
  name: 'users.bulk-login',
  input: z.strictObject({
    /** Absent: all accounts. */
    batch_id: z.uuid().optional(),
    /** Scheme, host and port. */
    origin: z.url(),
    login: loginSchema,
    concurrency: z.int().min(1),
    rate_per_second: z.number().positive().nullable(),
    /** Accounts at most; null: all that are due. */
    limit: z.int().min(1).nullable(),
    /** Whether accounts with a valid session are logged in again. */
    force: z.boolean(),
  }),
  output: bulkLoginResult,
  outcome: outcomeOfLogin,
  // As `bulk-users.create`: a conductor mostly waits, and goes on where the last one stopped.
  options: { concurrency: 4, attempts: 12, backoffMs: 1000, keepSeconds: 86_400, drainMs: 0 },
});
export type BulkLoginInput = z.infer<typeof bulkLogin.input>;

export const bulkLoginLane = defineQueue({
  name: 'users.bulk-login-lane',
  payload: z.strictObject({
    job_id: z.uuid(),
    lane: count,
    lanes: z.int().min(1),
    /** The job's run: a retry hands its lanes out under new ids. */
    run: count,
  }),
  result: z.object({ tried: count, ...mayBeRefused }),
  jobId: ({ job_id, lane, run }) => `${job_id}-${run}-${lane}`,
  // What a lane has done is written: another worker goes on with it.
  options: { concurrency: 2, attempts: 12, backoffMs: 500, keepSeconds: 3600, drainMs: 0 },
});
