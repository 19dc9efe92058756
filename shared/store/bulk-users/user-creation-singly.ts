import { type SQL, sql } from 'drizzle-orm';
import { PgDialect } from 'drizzle-orm/pg-core';
import type { Executor } from '../../platform/postgres/db.ts';
import type { UserTable } from '../users/user-table.ts';
import type { UserFailure } from './bulk-ledger.ts';
import {
  type ChunkRange,
  findConflicts,
  type IdRange,
  insertWanted,
  type UserSpec,
} from './user-creation.ts';

/** A row that the table refused: its `{id}`, and what the database said. */
export interface RefusedRow {
  index: number;
  state: string;
  message: string;
}

/**
 * Creates the users of a range row by row, each in a subtransaction, and records their keys: one round trip for as many
 * rows as the table refuses. What blames no row (anything but SQLSTATE 22, 23 and P0001) ends it as an error.
 */
export async function createUsersSingly(
  tx: Executor,
  users: UserTable,
  { spec, lease, range }: ChunkRange,
): Promise<{ refused: RefusedRow[]; conflicts: UserFailure[] }> {
  const insert = insertWanted(users, ofRange(spec, range), { first: theNumber, last: theNumber });
  const loop = sql`
    declare
      the_number int;
      the_key text;
      the_keys text[] := '{}';
      refused jsonb := '[]';
      refused_state text;
      refused_message text;
    begin
      for the_number in ${range.first}..${range.last} loop
        begin
          the_key := null;
          ${insert} on conflict do nothing returning ${users.read('id')} into the_key;
          if the_key is not null then the_keys := the_keys || the_key; end if;
        exception when integrity_constraint_violation or data_exception or raise_exception then
          get stacked diagnostics refused_state = returned_sqlstate, refused_message = message_text;
          refused := refused || jsonb_build_object('index', the_number, 'state', refused_state, 'message', refused_message);
        end;
      end loop;
      update muster.bulk_chunks set user_keys = user_keys || the_keys
      where batch_id = ${lease.batchId} and chunk_index = ${lease.chunkIndex} and the_keys <> '{}';
      perform set_config('muster.rows', jsonb_build_object('made', cardinality(the_keys), 'refused', refused)::text, true);
    end`;
  await tx.execute(sql`select set_config('standard_conforming_strings', 'on', true)`); // as the literals have it
  await tx.execute(sql.raw(`do ${literal(loop)}`));
  const [told] = await tx.execute<{ made: number; refused: RefusedRow[] }>(sql`
    select made, refused from jsonb_to_record(current_setting('muster.rows')::jsonb) as told (made int, refused jsonb)`);
  const { made, refused } = told ?? { made: 0, refused: [] };
  if (made + refused.length === range.last - range.first + 1) return { refused, conflicts: [] };
  const at = new Set(refused.map(({ index }) => index));
  const inTheWay = await findConflicts(tx, users, { spec, lease, range });
  return { refused, conflicts: inTheWay.filter(({ index }) => !at.has(index)) };
}

const theNumber = sql`the_number`;

/** A block takes no parameters: they become literals in it, and it becomes a literal itself. */
function literal(block: SQL): string {
  const text = new PgDialect().sqlToQuery(block.inlineParams()).sql;
  return `'${text.replaceAll("'", "''")}'`;
}

/** With the hashes that a range needs, and no others. */
function ofRange(spec: UserSpec, { first, last }: IdRange): UserSpec {
  const { password } = spec;
  if (typeof password === 'string') return spec;
  const { modulus, slots, hashes } = password;
  const needed = new Set<number>();
  for (let id = first; id <= last; id++) needed.add(modulus === undefined ? id : id % modulus);
  const kept = slots.flatMap((slot, place) => (needed.has(slot) ? [place] : []));
  return {
    ...spec,
    password: {
      modulus,
      slots: kept.map(place => slots[place] ?? 0),
      hashes: kept.map(place => hashes[place] ?? ''),
    },
  };
}
