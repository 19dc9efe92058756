import type { UserField, UserMapping } from '../../contracts/user-mapping.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import type { UserTable } from './user-table.ts';
import { readTableColumns, type TableColumn } from './user-table-columns.ts';

/**
 * Compares a mapping to the real table before anything is written by it: what is missing, or of another kind, is said all
 * at once, with what to write instead.
 * @throws AppError `validation_failed`
 */
export async function assertUserTable(db: Executor, { mapping }: UserTable): Promise<void> {
  const faults = await findMappingFaults(db, mapping);
  if (faults.length === 0) return;
  const place = `${mapping.schema}.${mapping.table}`;
  throw new AppError(
    'validation_failed',
    `The users table ${place} is not what the mapping says: ${faults.join('; ')}`,
    {
      hint: 'Correct the file of USER_DIRECTORY, or the table. docs/bulk-users.md says what each part is for.',
    },
  );
}

async function findMappingFaults(db: Executor, mapping: UserMapping): Promise<string[]> {
  const found = await readTableColumns(db, mapping);
  if (found.length === 0) return [`there is no such table, or this role may not see it`];
  const columns = new Map(found.map(column => [column.name, column]));
  return [
    ...fieldsOf(mapping).flatMap(field => faultsOfField(field, columns)),
    ...faultsOfUniqueness(mapping, columns),
    ...faultsOfNames(mapping, columns),
    ...faultsOfUnfilled(mapping, found),
  ];
}

interface MappedField {
  field: string;
  name: string;
  type: string;
}

const fieldsOf = ({ columns }: UserMapping): MappedField[] =>
  Object.entries(columns).flatMap(([field, column]) => (column === undefined ? [] : [{ field, ...column }]));

type Columns = ReadonlyMap<string, TableColumn>;

/** Names of types in `pg_type`, and those of a mapping. */
const typeNames: Record<string, string> = {
  int4: 'integer',
  int8: 'bigint',
  bool: 'boolean',
  bpchar: 'varchar',
};

function faultsOfField({ field, name, type }: MappedField, columns: Columns): string[] {
  const column = columns.get(name);
  if (column === undefined) return [`columns.${field}: there is no column "${name}"`];
  const actual = typeNames[column.type] ?? column.type;
  if (areAlike(type, actual)) return [];
  return [
    `columns.${field}: "${name}" is ${actual} and not ${type} (if it may be: { name: ${name}, type: ${actual} })`,
  ];
}

/** Texts are all the same to SQL. */
const texts = ['text', 'varchar', 'citext'];
const areAlike = (wanted: string, actual: string): boolean =>
  wanted === actual || (texts.includes(wanted) && texts.includes(actual));

/** Without these, a name could be made twice, and a key could mean two rows. */
const uniqueFields = ['id', 'username'] as const satisfies UserField[];

const faultsOfUniqueness = ({ columns }: UserMapping, found: Columns): string[] =>
  uniqueFields
    .filter(field => found.get(columns[field].name)?.unique === false)
    .map(field => `columns.${field}: "${columns[field].name}" has no unique index of its own`);

function faultsOfNames(mapping: UserMapping, columns: Columns): string[] {
  const mapped = fieldsOf(mapping).map(({ name }) => name);
  const twice = new Set(mapped.filter((name, index) => mapped.indexOf(name) !== index));
  const fixed = Object.keys(mapping.fixed_values);
  return [
    ...[...twice].map(name => `"${name}" is mapped twice`),
    ...fixed.filter(name => mapped.includes(name)).map(name => `fixed_values: "${name}" is mapped already`),
    ...fixed.filter(name => !columns.has(name)).map(name => `fixed_values: there is no column "${name}"`),
    ...fieldsOf(mapping)
      .filter(({ field, name }) => field !== 'id' && columns.get(name)?.generated)
      .map(({ field, name }) => `columns.${field}: "${name}" is generated and cannot be written`),
  ];
}

/** Columns that a new user must have and that nobody gives; the key, too, must come from the database. */
function faultsOfUnfilled(mapping: UserMapping, found: TableColumn[]): string[] {
  const id = mapping.columns.id.name;
  const given = new Set([
    ...fieldsOf(mapping).flatMap(({ name }) => (name === id ? [] : [name])),
    ...Object.keys(mapping.fixed_values),
  ]);
  return found
    .filter(column => column.required && !given.has(column.name))
    .map(({ name }) =>
      name === id
        ? `columns.id: "${name}" has no default, and Muster does not make keys`
        : `"${name}" must have a value and has no default: give one in fixed_values`,
    );
}
