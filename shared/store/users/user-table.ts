import { type SQL, sql } from 'drizzle-orm';
import { storefrontMapping, type UserField, type UserMapping } from '../../contracts/user-mapping.ts';
import { isUuid } from '../../kernel/ids.ts';

/**
 * The application's users table as pieces of SQL: every statement about users is made of them, so that another
 * application's table takes the storefront's place by its mapping alone. All names come out quoted.
 */
export interface UserTable {
  readonly mapping: UserMapping;
  /** `"schema"."table"` */
  readonly table: SQL;
  /** A column's quoted name, for `insert`, `update`, `where`; undefined where the application has none. */
  column(field: UserField): SQL | undefined;
  /**
   * What to select for a field, of the table under `alias`: ids as text, moments as timestamptz, attributes as jsonb,
   * nothing where an address, a role or attributes may be null, the moment of creation where a row was never changed, and a
   * stand-in where the application has no such column.
   */
  read(field: UserField, alias?: string): SQL;
  /** A key as text, as `read('id')` gives it, in the type of the column: for `where`, with the index. */
  key(text: SQL | string): SQL;
  /** A batch's id in the type of its column. */
  batch(id: SQL | string): SQL;
}

/** Whether a text can be a key of the table: what comes from outside must not reach the column's type otherwise. */
export function isKey({ mapping }: UserTable, text: string): boolean {
  const { type } = mapping.columns.id;
  if (type === 'uuid') return isUuid(text);
  if (type !== 'integer' && type !== 'bigint') return !text.includes('\u0000');
  return /^\d{1,19}$/.test(text) && BigInt(text) < 2n ** (type === 'integer' ? 31n : 63n);
}

export function userTable(mapping: UserMapping): UserTable {
  const { columns } = mapping;
  const column = (field: UserField) => {
    const found = columns[field];
    return found === undefined ? undefined : sql.identifier(found.name);
  };
  const read = (field: UserField, alias?: string): SQL => {
    const name = column(field);
    if (name === undefined) return standIn(field);
    const place = alias === undefined ? sql`${name}` : sql`${sql.identifier(alias)}.${name}`;
    const found = readAs(field, columns[field]?.type, place);
    return field === 'updated_at' ? sql`coalesce(${found}, ${read('created_at', alias)})` : found;
  };
  return {
    mapping,
    table: sql`${sql.identifier(mapping.schema)}.${sql.identifier(mapping.table)}`,
    column: field => (columns[field] === undefined ? undefined : sql`${column(field)}`),
    read,
    key: text => sql`${text}::${sql.raw(columns.id.type)}`,
    batch: id => sql`${id}::${sql.raw(columns.test_batch_id.type)}`,
  };
}

/** The storefront's users. */
export const storefrontUsers = userTable(storefrontMapping);

function readAs(field: UserField, type: string | undefined, place: SQL): SQL {
  if (field === 'id' || field === 'test_batch_id') return sql`${place}::text`;
  if (field === 'email' || field === 'role')
    return sql`coalesce(${place}${type === 'enum' ? sql`::text` : sql``}, '')`;
  if (type === 'enum') return sql`${place}::text`;
  if (field === 'attributes') return sql`coalesce(${place}::jsonb, '{}'::jsonb)`;
  if (type === 'timestamp') return sql`(${place} at time zone 'utc')`;
  return place;
}

function standIn(field: UserField): SQL {
  if (field === 'role') return sql`'user'::text`;
  if (field === 'attributes') return sql`'{}'::jsonb`;
  if (field === 'created_by_bulk') return sql`true`;
  throw new Error(`There is nothing to stand in for ${field}`);
}
