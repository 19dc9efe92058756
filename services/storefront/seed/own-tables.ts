import { getTableName, is } from 'drizzle-orm';
import { PgTable } from 'drizzle-orm/pg-core';
import * as sessions from '../../../drizzle/application/schema/sessions.ts';
import * as shop from '../../../drizzle/application/schema/shop.ts';
import * as users from '../../../drizzle/application/schema/users.ts';
import * as welfare from '../../../drizzle/application/schema/welfare.ts';

/** The names of the tables that the storefront's database has in the schema `public`, and no others. */
export const storefrontTables: string[] = [sessions, shop, users, welfare].flatMap(schema =>
  Object.values(schema).flatMap(value => (is(value, PgTable) ? [getTableName(value)] : [])),
);
