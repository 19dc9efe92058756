import { z } from 'zod';
import { type SyncRequest, syncTarget } from '../../../../shared/http/user-sync.ts';
import { type Allowlist, bareHost } from '../../../../shared/kernel/allowlist.ts';
import { AppError, type Fault } from '../../../../shared/kernel/errors.ts';
import { lookUpHost } from '../../target.ts';

type Target = SyncRequest['target'];

/** A courtesy to who asks: the worker's connections check again what they connect to. @throws AppError `target_not_allowed` */
export async function assertPeerAllowed(peers: Allowlist, target: Target): Promise<void> {
  const [fault] = await faultsOfPeer(peers, target);
  if (fault === undefined) return;
  throw new AppError('target_not_allowed', `${fault.pointer} ${fault.detail}`, { faults: [fault] });
}

const sentTarget = z.object({ target: syncTarget });

/** The same of a body that is at fault elsewhere. */
export async function faultsOfSentPeer(peers: Allowlist, body: unknown): Promise<Fault[]> {
  const sent = sentTarget.safeParse(body);
  return sent.success ? faultsOfPeer(peers, sent.data.target) : [];
}

async function faultsOfPeer(peers: Allowlist, target: Target): Promise<Fault[]> {
  if (typeof target === 'string' || target.type !== 'http') return [];
  const host = bareHost(new URL(target.base_url).hostname);
  const { allowed } = await lookUpHost(host, peers);
  if (allowed) return [];
  const detail = `has a host that is not in SYNC_PEER_ALLOWLIST: ${host}`;
  return [{ pointer: '/target/base_url', code: 'target_not_allowed', detail }];
}
