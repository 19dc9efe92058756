import { type buildConnector, Client } from 'undici';
import { maxHeadBytes } from '../../../../../shared/platform/target/answers.ts';

/**
 * The connections of one engine: never more than `max`, each an undici client with one request at a time. As long as
 * there are no more users than connections, every user keeps its own, as k6 and browsers do; beyond, connections are
 * handed round, in the order in which users ask.
 */
export interface Connections {
  /** A connection, or undefined and the user is told by `connected` when its turn has come. */
  take(user: ConnectionUser): Client | undefined;
  /** From a user that is done with it. */
  giveBack(client: Client): void;
  /** Closes it at once, whatever is under way on it; `reason` is what its request fails with. */
  destroy(client: Client, reason: Error): void;
  /** All of them, and no new ones. */
  destroyAll(reason: Error): void;
  /** Whether users must give connections back after each request; set with the number of users. */
  readonly shared: boolean;
  setUsers(users: number): void;
}

/** Who waits for a connection: it may have stopped waiting by the time that one is free. */
export interface ConnectionUser {
  readonly awaitsConnection: boolean;
  connected(client: Client): void;
}

const keepAliveMs = 60_000; // below nginx's 75 s; a target's own `keep-alive: timeout=` is followed

export function createConnections(
  origin: string,
  connect: buildConnector.connector,
  max: number,
): Connections {
  const open = new Set<Client>();
  const free: Client[] = [];
  const waiting = createFifo<ConnectionUser>();
  let shared = false;
  let closed = false;

  function create(): Client {
    const client = new Client(origin, {
      connect,
      pipelining: 1,
      allowH2: false,
      maxHeaderSize: maxHeadBytes,
      headersTimeout: 0, // timeouts are the timer wheel's
      bodyTimeout: 0,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
    });
    open.add(client);
    return client;
  }

  function serve(client: Client): boolean {
    for (let user = waiting.shift(); user !== undefined; user = waiting.shift()) {
      if (!user.awaitsConnection) continue;
      user.connected(client);
      return true;
    }
    return false;
  }

  return {
    take(user) {
      const client = free.pop() ?? (open.size < max && !closed ? create() : undefined);
      if (client === undefined) waiting.push(user);
      return client;
    },
    giveBack(client) {
      if (!serve(client)) free.push(client);
    },
    destroy(client, reason) {
      if (!open.delete(client)) return;
      client.destroy(reason, () => {});
      if (waiting.size > 0 && !closed) {
        const fresh = create();
        if (!serve(fresh)) free.push(fresh);
      }
    },
    destroyAll(reason) {
      closed = true;
      for (const client of open) client.destroy(reason, () => {});
      open.clear();
      free.length = 0;
    },
    get shared() {
      return shared;
    },
    setUsers(users) {
      shared = users > max;
    },
  };
}

function createFifo<T>() {
  let items: T[] = [];
  let head = 0;
  return {
    get size() {
      return items.length - head;
    },
    push(item: T): void {
      items.push(item);
    },
    shift(): T | undefined {
      if (head === items.length) return undefined;
      const item = items[head++];
      if (head > 1024 && head * 2 > items.length) {
        items = items.slice(head);
        head = 0;
      }
      return item;
    },
  };
}
