import { z } from 'zod';
import { transferredUser } from './accounts.ts';
import { instant, uuid } from './fields.ts';
import { defineOperation } from './operation.ts';

/**
 * What two installations of Muster ask each other while they sync: the digests of the pool, at three levels of detail,
 * and the users themselves. Users are written by `importUsers`. All are POST because their questions are long; those
 * that only read change nothing.
 */
const tag = 'User sync';
const count = z.int().min(0);
const digest = z.string().regex(/^-?\d{1,20}$/);

/** Questions with thousands of usernames of 255 characters. */
const maxQuestionBytes = 8 * 1024 * 1024;
/** Usernames of one question at most, and their bytes. */
export const maxPeerUsernames = 5000;
export const maxPeerUsernamesBytes = maxQuestionBytes / 2;
/** Of the users of one answer, but for the names of their fields: of the others another question asks. */
export const maxPeerUsersBytes = 8 * 1024 * 1024;

const scope = z.strictObject({
  batch_id: uuid.optional(),
  test_users_only: z.boolean().default(true),
  modified_since: instant.optional(),
});
/** Of any length: an application may have names that an import does not take, and is told so user by user. */
const usernames = z.array(z.string()).min(1).max(maxPeerUsernames);
const buckets = z.array(z.int().min(0).max(4095)).max(4096);
const subBuckets = z.array(z.int().min(0).max(262_143)).max(262_144);

export const peerDigests = z.object({
  probe: digest.describe('What the server makes of a known text: it must be the same on both sides'),
  now: z.number().describe("The server's clock, in milliseconds since 1970"),
  buckets: z
    .array(z.tuple([count, count, digest, count]))
    .describe('Number, users, digest, users whose last sync is not up to date'),
  smaller: z
    .array(z.tuple([count, z.string().regex(/^([0-9a-f]{10})*$/)]))
    .describe('Number of a bucket, and for each smaller one in it 2 hex digits of number and 8 of digest'),
});

export const peerDigestsOperation = defineOperation({
  id: 'readPoolDigests',
  method: 'post',
  path: '/api/users/sync/digests',
  role: 'viewer',
  tag,
  summary: 'Digests of the account pool, for another Muster to compare',
  description:
    'Without `within`, of the 4,096 buckets into which users are divided by the hash of their names; with it, of the 64 ' +
    'smaller ones in each of the buckets named.',
  body: z.strictObject({ scope: scope.prefault({}), within: buckets.optional() }),
  maxBodyBytes: maxQuestionBytes,
  responses: {
    200: { description: 'The digests', contentTypes: ['application/json'], schema: peerDigests },
  },
  transaction: false,
});

export const peerEntries = z.object({
  entries: z
    .array(z.tuple([z.string(), digest.nullable(), z.number()]))
    .describe('Username, digest (null when deleted), time of the change in milliseconds since 1970'),
});

export const peerEntriesOperation = defineOperation({
  id: 'listPoolEntries',
  method: 'post',
  path: '/api/users/sync/entries',
  role: 'viewer',
  tag,
  summary: 'Users of some buckets, or by name, with their digests',
  body: z.strictObject({
    scope: scope.prefault({}),
    choice: z.union([
      z.strictObject({ buckets }),
      z.strictObject({ sub_buckets: subBuckets }),
      z.strictObject({ usernames }),
    ]),
  }),
  maxBodyBytes: maxQuestionBytes,
  responses: {
    200: { description: 'The users', contentTypes: ['application/json'], schema: peerEntries },
  },
  transaction: false,
});

const peerUsers = z.object({
  users: z.array(transferredUser),
  rest: z.array(z.string()).describe('Usernames to ask for again: they did not fit into this answer'),
  too_long: z.array(z.string()).describe('Usernames of those who fit into no answer'),
});
/** The same for who asks: a user that it cannot take must not hide the others, and a peer of an older version sends all at once. */
export const peerUsersAsRead = peerUsers.extend({
  users: z.array(z.unknown()),
  rest: peerUsers.shape.rest.default([]),
  too_long: peerUsers.shape.too_long.default([]),
});

export const peerUsersOperation = defineOperation({
  id: 'readPoolUsers',
  method: 'post',
  path: '/api/users/sync/users',
  role: 'viewer',
  tag,
  summary: 'Accounts by name with all their fields; for an admin, who asks for them, with passwords',
  description: `As many as have room in ${maxPeerUsersBytes / 1024 / 1024} MiB; \`rest\` names the others.`,
  body: z.strictObject({ usernames, include_credentials: z.boolean().default(false) }),
  maxBodyBytes: maxQuestionBytes,
  responses: {
    200: { description: 'Those that are there', contentTypes: ['application/json'], schema: peerUsers },
  },
  transaction: false,
});

export const peerDeleted = z.object({ deleted: count });

export const peerDeleteOperation = defineOperation({
  id: 'deletePoolUsers',
  method: 'post',
  path: '/api/users/sync/deletions',
  role: 'admin',
  tag,
  summary: 'Delete accounts by name, as the application did',
  description: 'As `DELETE /api/users`: a tombstone stays for `sync_tombstone_days`.',
  body: z.strictObject({ usernames }),
  maxBodyBytes: maxQuestionBytes,
  responses: { 200: { description: 'How many there were', schema: peerDeleted } },
});
