import { once } from 'node:events';
import pg from 'pg';
import { testDatabases } from '../../test/fixtures/database.ts';
import { limitTransaction } from './transactions.ts';

const databases = testDatabases();

/** `limitTransaction` on a connection whose messages we can send one by one. */
async function begin(client: pg.Client, ms: number): Promise<void> {
  await client.query('begin');
  await client.query(
    `select set_config(name, '${ms}', true) from pg_settings where name = 'transaction_timeout'`,
  );
}

describe('a limited transaction', () => {
  it('is ended by the server even when its client stops between two messages of a statement', async () => {
    const client = new pg.Client(databases.applicationUrl);
    client.on('error', () => {}); // it expects none of what we make of its connection
    await client.connect();
    await begin(client, 100);
    const connection: pg.Connection = Reflect.get(client, 'connection');
    const refusal = once(connection, 'errorMessage');
    const closed = once(connection, 'end');
    connection.parse({ name: '', text: 'select 1', types: [] }, true);
    connection.flush();
    expect(await refusal).toMatchObject([{ code: '25P04' }]);
    await closed;
  });

  it('goes on as before when it is quick, and leaves the connection without a limit', async () => {
    const { db, sql } = databases.application;
    const inside = await db.transaction(async tx => {
      await limitTransaction(tx, 12_345);
      return tx.execute('show transaction_timeout');
    });
    expect(inside).toMatchObject([{ transaction_timeout: '12345ms' }]);
    expect(await sql`show transaction_timeout`).toMatchObject([{ transaction_timeout: '0' }]);
  });
});
