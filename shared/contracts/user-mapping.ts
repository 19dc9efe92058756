import { z } from 'zod';

/**
 * How the application's users table is laid out: names of the table and its columns, their types where they are not the
 * usual ones, and the format of password hashes. Given as a file (`USER_DIRECTORY`); the storefront's is the default.
 * `shared/store/users/user-table.ts` makes SQL of it, `shared/store/users/user-table-check.ts` compares it to the real table.
 */
const passwordFormats = [
  'argon2id',
  'bcrypt',
  'werkzeug-scrypt',
  'werkzeug-pbkdf2',
  'django-pbkdf2',
] as const;

/** PostgreSQL keeps 63 bytes of a name. Anything may stand in it: it is always quoted. */
const identifier = z
  .string()
  .min(1)
  .refine(name => Buffer.byteLength(name) <= 63, 'must be at most 63 bytes')
  .refine(name => !name.includes('\u0000'), 'must not have a null character');

/** A column: its name, or its name and its type where that is not the first of `types`. */
const columnOf = <T extends [string, ...string[]]>(types: T) =>
  z
    .union([
      identifier.transform(name => ({ name, type: undefined })),
      z.strictObject({ name: identifier, type: z.enum(types).optional() }),
    ])
    .transform(({ name, type }) => ({ name, type: type ?? types[0] }));

const texts: [string, ...string[]] = ['varchar', 'text', 'citext'];
const moments: [string, ...string[]] = ['timestamptz', 'timestamp'];

export const userMappingSchema = z.strictObject({
  schema: identifier.default('public'),
  table: identifier,
  columns: z.strictObject({
    id: columnOf(['uuid', 'bigint', 'integer', 'text', 'varchar']),
    username: columnOf(texts),
    email: columnOf(texts),
    password_hash: columnOf(['text', 'varchar']),
    /** Absent: the application has no roles; every user reads as `user`, and `user_role` is not written. */
    role: columnOf([...texts, 'enum']).optional(),
    /** Absent: `custom_attributes` cannot be kept, and is refused. */
    attributes: columnOf(['jsonb', 'json', 'text']).optional(),
    is_test_user: columnOf(['boolean']),
    test_batch_id: columnOf(['uuid', 'text', 'varchar']),
    created_by_bulk: columnOf(['boolean']).optional(),
    /** A `timestamp` without a zone holds UTC. */
    created_at: columnOf(moments),
    updated_at: columnOf(moments),
  }),
  password_format: z
    .enum(passwordFormats, {
      error: ({ input }) => `${JSON.stringify(input)} is not known: there are ${passwordFormats.join(', ')}`,
    })
    .default('argon2id'),
  /** What to write to other columns of every test user: those that must have a value and have no default. */
  fixed_values: z.record(identifier, z.union([z.string(), z.number(), z.boolean(), z.null()])).default({}),
});
export type UserMapping = z.output<typeof userMappingSchema>;
export type UserField = keyof UserMapping['columns'];

export const storefrontMapping: UserMapping = userMappingSchema.parse({
  table: 'users',
  columns: {
    id: 'id',
    username: 'username',
    email: 'email',
    password_hash: 'password_hash',
    role: 'role',
    attributes: 'custom_attributes',
    is_test_user: 'is_test_user',
    test_batch_id: 'test_batch_id',
    created_by_bulk: 'created_by_bulk',
    created_at: 'created_at',
    updated_at: 'updated_at',
  },
});
