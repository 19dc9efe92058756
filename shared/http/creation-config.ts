import { z } from 'zod';
import { distinctPasswords } from '../contracts/bulk-users.ts';
import { faultOfPattern } from '../contracts/username-pattern.ts';
import type { Fault } from '../kernel/errors.ts';
import { uuid } from './fields.ts';

/**
 * The configuration of bulk creation: the one place that says what is right in it. A request and a template each hold
 * parts; `settleConfig` puts them together over the defaults; `faultsOfCreation` says what is wrong with the whole.
 */

/** Longer names are nobody's; what the application's columns hold is compared where those are known. */
const maxPatternLength = 255;
const domain = /^(?=.{1,190}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i;

const usernamePattern = z
  .string()
  .min(1)
  .max(maxPatternLength)
  .regex(/^[^\s\p{Cc}]*$/u, 'must not have spaces or control characters')
  .check(context => {
    const fault = faultOfPattern(context.value);
    if (fault === undefined) return;
    const { code, detail } = fault;
    context.issues.push({ code: 'custom', message: detail, input: context.value, params: { code } });
  });

/** All of its faults are told at once. */
const password = z
  .string()
  .min(8)
  .max(128)
  .regex(/\p{L}/u, 'must have a letter')
  .regex(/\d/, 'must have a digit')
  .regex(/^\P{Cc}*$/u, 'must not have control characters');

const customAttributes = z
  .record(z.string().min(1).max(100), z.unknown())
  .refine(value => JSON.stringify(value).length <= 16_384, 'must not be longer than 16 KiB as JSON');

export const defaultPassword = 'TestPass123!';
const defaultDomain = 'example.com';

/** Every part of a configuration; what is absent comes from the template, or else has its default. */
export const creationParts = z
  .strictObject({
    username_pattern: usernamePattern.optional().describe('Default: `testuser_{id}@<email_domain>`'),
    password: password.optional().describe(`Default: \`${defaultPassword}\``),
    email_domain: z
      .string()
      .regex(domain, 'must be a domain name')
      .optional()
      .describe(`Default: \`${defaultDomain}\``),
    user_role: z.string().min(1).max(50).optional().describe('Default: `user`'),
    batch_size: z
      .int()
      .min(1)
      .max(10_000)
      .optional()
      .describe('Users in a chunk; chosen by count when absent'),
    custom_attributes: customAttributes
      .optional()
      .describe('Kept as given on each user, numbers to the digit; default: none'),
    distinct_passwords: distinctPasswords
      .optional()
      .describe('So many different passwords, derived and never stored in clear; absent: all share one'),
    test_batch_id: uuid.optional().describe('The id of the batch; made when absent'),
    creation_interval_ms: z
      .int()
      .min(0)
      .max(3_600_000)
      .optional()
      .describe('Pause between chunks; default: 0'),
    on_error: z
      .enum(['continue', 'rollback'])
      .optional()
      .describe('`rollback`: one failed user removes the whole batch again; default: `continue`'),
  })
  .meta({ id: 'CreationConfig' });
export type CreationParts = z.output<typeof creationParts>;

/** What a template may hold: a batch's id is its own. */
export const templateParts = creationParts.omit({ test_batch_id: true }).meta({ id: 'TemplateConfig' });
export type TemplateParts = z.output<typeof templateParts>;

/** A whole configuration: only what is found out from the count, or may be absent, is left open. */
export interface CreationConfig extends CreationParts {
  username_pattern: string;
  password: string;
  email_domain: string;
  user_role: string;
  custom_attributes: Record<string, unknown>;
  creation_interval_ms: number;
  on_error: 'continue' | 'rollback';
}

/** The whole configuration: a request's parts over its template's over the defaults. */
export function settleConfig(request: CreationParts, template: TemplateParts): CreationConfig {
  const given: CreationParts = { ...template, ...request };
  return {
    ...given,
    username_pattern: request.username_pattern ?? patternOf(template, request.email_domain),
    password: given.password ?? defaultPassword,
    email_domain: given.email_domain ?? defaultDomain,
    user_role: given.user_role ?? 'user',
    custom_attributes: given.custom_attributes ?? {},
    creation_interval_ms: given.creation_interval_ms ?? 0,
    on_error: given.on_error ?? 'continue',
  };
}

/** A request that names a domain and no pattern moves the template's pattern there, if it stood in the template's own. */
function patternOf(template: TemplateParts, requestedDomain: string | undefined): string {
  const own = `@${template.email_domain ?? defaultDomain}`;
  const { username_pattern: pattern = `testuser_{id}${own}` } = template;
  if (requestedDomain === undefined || !pattern.endsWith(own)) return pattern;
  return `${pattern.slice(0, -own.length)}@${requestedDomain}`;
}

/** The conductor counts a batch's chunks several times a second: more than these would cost more than the users. */
export const maxChunks = 10_000;

/**
 * What is wrong with a configuration as a whole, for so many users.
 * @param base where the configuration stands in the body: `/config`, or nothing when it is the body
 */
export function faultsOfCreation(
  { count, config, maxUsers }: { count: number; config: CreationConfig; maxUsers: number },
  base = '/config',
): Fault[] {
  const faults: Fault[] = [];
  if (count > maxUsers)
    faults.push({ pointer: '/count', code: 'limit_exceeded', detail: `must be at most ${maxUsers}` });
  const least = Math.ceil(count / maxChunks);
  if (config.batch_size !== undefined && config.batch_size < least)
    faults.push({
      pointer: `${base}/batch_size`,
      code: 'limit_exceeded',
      detail: `makes more than ${maxChunks} chunks of ${count} users: write ${least} or more`,
    });
  return faults;
}
