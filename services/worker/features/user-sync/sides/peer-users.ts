import type { z } from 'zod';
import type { SyncFault } from '../../../../../shared/contracts/user-sync.ts';
import { type TransferredUser, transferredUser } from '../../../../../shared/http/accounts.ts';
import { faultsOf } from '../../../../../shared/http/faults.ts';
import {
  maxPeerUsernames,
  maxPeerUsernamesBytes,
  maxPeerUsersBytes,
  peerUsersAsRead,
} from '../../../../../shared/http/sync-peer.ts';
import { findUnstorable } from '../../../../../shared/http/unstorable.ts';
import type { Fault } from '../../../../../shared/kernel/errors.ts';
import { withPlainFields } from '../../../../../shared/kernel/json-as-written.ts';
import { portions } from '../../../../../shared/kernel/portions.ts';
import type { PeerClient } from './peer-client.ts';
import { PeerError } from './peer-error.ts';
import type { SyncUser, UserPage } from './sides.ts';

/** Usernames in questions that a peer takes. */
export const inQuestions = (usernames: readonly string[]): Iterable<string[]> =>
  portions(usernames, name => Buffer.byteLength(JSON.stringify(name)) + 1, {
    maxItems: maxPeerUsernames,
    maxBytes: maxPeerUsernamesBytes,
  });

/** Users of a peer, an answer at a time. One whom this side cannot take fails alone. */
export async function* readPeerUsers(
  client: PeerClient,
  usernames: readonly string[],
  options: { include_credentials: boolean },
): AsyncGenerator<UserPage> {
  for (const question of inQuestions(usernames)) {
    for (let asked = question; asked.length > 0; ) {
      const body = { usernames: asked, ...options };
      const answer = await client.post('/api/users/sync/users', body, peerUsersAsRead);
      if (answer.rest.length >= asked.length) throw noProgress();
      yield pageOf(answer);
      asked = answer.rest;
    }
  }
}

const noProgress = (): PeerError =>
  new PeerError('format', 'peer_answer_unreadable', 'The peer leaves every user for another question');

function pageOf({ users, too_long }: z.output<typeof peerUsersAsRead>): UserPage {
  const page: UserPage = { users: [], faults: too_long.map(tooLong) };
  for (const value of users) {
    const [unstorable] = findUnstorable(value);
    const parsed = transferredUser.safeParse(withPlainFields(value));
    if (unstorable !== undefined) page.faults.push(faultOf(value, unstorable));
    else if (parsed.success) page.users.push(syncUserOf(parsed.data));
    else page.faults.push(faultOf(value, faultsOf(parsed.error, value)[0]));
  }
  return page;
}

const tooLong = (username: string): SyncFault => ({
  kind: 'format',
  code: 'payload_too_large',
  message: `the user is longer than the ${maxPeerUsersBytes} bytes that a peer answers with`,
  username,
});

function faultOf(value: unknown, first: Fault | undefined): SyncFault {
  const username: unknown =
    typeof value === 'object' && value !== null && 'username' in value ? value.username : undefined;
  return {
    kind: 'format',
    code: first?.code ?? 'invalid',
    message: `${first?.pointer || 'the user'} of the peer ${first?.detail ?? 'is not a user'}`,
    ...(typeof username === 'string' && { username }),
  };
}

const syncUserOf = (user: TransferredUser): SyncUser => ({
  id: user.id ?? null,
  username: user.username,
  email: user.email,
  role: user.role,
  is_test_user: user.is_test_user,
  test_batch_id: user.test_batch_id ?? null,
  custom_attributes: JSON.stringify(user.custom_attributes),
  created_at: user.created_at ?? new Date(0).toISOString(),
  updated_at: user.updated_at ?? new Date(0).toISOString(),
  password: user.password ?? undefined,
});
