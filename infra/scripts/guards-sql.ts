/**
 * `npm run guards:sql -- --table public.users`: prints the SQL that guards the users of the database of
 * `APP_DATABASE_URL`, for its administrator to review and run (docs/safe-cleanup.md). Changes nothing itself.
 * Without `--table` the names are those of the mapping that `USER_DIRECTORY` names, or the storefront's.
 */
import { Command } from 'commander';
import { type UserMapping, userMappingSchema } from '../../shared/contracts/user-mapping.ts';
import { messageOf } from '../../shared/kernel/errors.ts';
import { type Config, loadConfig, required } from '../../shared/platform/config.ts';
import { openDatabase } from '../../shared/platform/postgres/db.ts';
import { assertServerVersion, oldestServers } from '../../shared/platform/postgres/server-version.ts';
import { sqlMessageOf } from '../../shared/platform/postgres/sql-state.ts';
import { exitCodeOf } from '../../shared/platform/run-service.ts';
import { readGuardScript } from '../../shared/store/guards/script.ts';
import { loadUserTable } from '../../shared/store/users/load-user-table.ts';

const program = new Command('guards:sql')
  .option('--table <[schema.]table>', 'the users; without it, those of USER_DIRECTORY, else the storefront')
  .option('--key <column>', 'its primary key', 'id')
  .option('--username <column>', 'the name to log in with', 'username')
  .option('--email <column>', 'the address', 'email')
  .option('--is-test <column>', 'true for a test user', 'is_test_user')
  .option('--batch <column>', 'the batch of a test user', 'test_batch_id')
  .option('--bulk <column>', 'true for users made in bulk, where there is such a column');

interface Options {
  table?: string;
  key: string;
  username: string;
  email: string;
  isTest: string;
  batch: string;
  bulk?: string;
}

/** A name without a schema is one of the schema `public`, as in a mapping. */
function tableNamed(name: string): { schema?: string; table: string } {
  const dot = name.indexOf('.');
  return dot === -1 ? { table: name } : { schema: name.slice(0, dot), table: name.slice(dot + 1) };
}

async function mappingOf(config: Config, options: Options): Promise<UserMapping> {
  if (options.table === undefined) return (await loadUserTable(config.USER_DIRECTORY)).mapping;
  return userMappingSchema.parse({
    ...tableNamed(options.table),
    columns: {
      id: options.key,
      username: options.username,
      email: options.email,
      is_test_user: options.isTest,
      test_batch_id: options.batch,
      ...(options.bulk === undefined ? {} : { created_by_bulk: options.bulk }),
      password_hash: 'unused',
      created_at: 'unused',
      updated_at: 'unused',
    },
  });
}

async function main(): Promise<void> {
  const config = loadConfig();
  const mapping = await mappingOf(config, program.parse().opts<Options>());
  const url = required(config, 'APP_DATABASE_URL');
  const database = openDatabase(url, { name: 'muster guards', maxConnections: 1 });
  try {
    await assertServerVersion(database.db, oldestServers.anotherApplication);
    const statements = await database.db.transaction(tx => readGuardScript(tx, mapping), {
      accessMode: 'read only',
    });
    console.log(`begin;\n${statements.map(statement => `${statement};\n`).join('')}commit;`);
  } finally {
    await database.stop();
  }
}

await main().catch((error: unknown) => {
  console.error(sqlMessageOf(error) ?? messageOf(error));
  process.exitCode = exitCodeOf(error);
});
