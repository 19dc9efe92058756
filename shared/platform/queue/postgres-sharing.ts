import { EventEmitter } from 'node:events';
import { ConnectionClosedError, PostgresConnection, PostgresQueueBackend } from 'bullmq';
import { messageOf } from '../../kernel/errors.ts';

/**
 * SQLSTATE classes of a server that is going away or coming back: 08 connection exception, 57P0x shutdown, crash,
 * "cannot connect now"; and the words node-postgres has for a lost connection.
 */
const outageCode = /^(08|57P0)|^E(CONN|PIPE|TIMEDOUT|NOTFOUND|HOSTUNREACH)/;
const outageMessage = /Connection terminated|timeout exceeded when trying to connect|not queryable/i;

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : '';

/**
 * BullMQ waits and tries again on a refused connection, but takes the other signs of a restarting Postgres for errors
 * of the job: it would fail the attempt, and fetch in a tight loop. Named a closed connection, they are waited out.
 */
function rethrow(error: unknown): never {
  const outage = outageCode.test(codeOf(error)) || outageMessage.test(messageOf(error));
  if (!outage || !(error instanceof Error)) throw error;
  throw new ConnectionClosedError(messageOf(error), error);
}

type ListenClient = Awaited<ReturnType<PostgresConnection['getListenClient']>>;

/** One pool and one LISTEN connection for all queues of a process. */
export class SharedPostgresConnection extends PostgresConnection {
  private readonly shared = new WeakSet<ListenClient>();

  constructor(...options: ConstructorParameters<typeof PostgresConnection>) {
    super(...options);
    this.setMaxListeners(0); // each backend listens, and there are as many as queues
    const query = this.pool.query.bind(this.pool);
    this.pool.query = <R>(text: string, values?: readonly unknown[]) => query<R>(text, values).catch(rethrow);
  }

  override async getListenClient(): Promise<ListenClient> {
    const client = await super.getListenClient();
    if (!this.shared.has(client)) {
      this.shared.add(client);
      share(client);
    }
    return client;
  }
}

/** Lets any number of workers listen on one client, one statement at a time, as node-postgres wants it. */
function share(client: ListenClient): void {
  if (client instanceof EventEmitter) client.setMaxListeners(0);
  const query = client.query.bind(client);
  let turn: Promise<unknown> = Promise.resolve();
  client.query = <R>(text: string, values?: readonly unknown[]) => {
    const answer = turn.then(() => query<R>(text, values));
    turn = answer.catch(() => {});
    return answer;
  };
}

/** A queue's or worker's view of the shared connection: closing it leaves the connection to the others. */
export class SharedPostgresBackend extends PostgresQueueBackend {
  constructor(connection: SharedPostgresConnection, queue: string, options: object) {
    // As "owner" it follows the connection's events and listens anew after an outage.
    super(connection, queue, { ...options, connection: {} }, true);
  }

  /**
   * BullMQ would sleep for an hour between its own checks, trusting NOTIFY alone; one that was sent while Postgres
   * restarted is lost. In seconds.
   */
  override get maximumBlockTimeout(): number {
    return 5;
  }

  override async close(): Promise<void> {
    this.closing ??= this.disconnectBlocking();
    await this.closing;
  }

  override disconnect(): Promise<void> {
    return this.close();
  }
}
