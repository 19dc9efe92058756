import { z } from 'zod';
import type { Vault } from '../../platform/crypto.ts';
import { isLoggedIn, type LoginOutcome } from '../../platform/target/login-client.ts';
import type { NewSession } from './account-sessions.ts';

/** How sessions look at rest: the headers to send, as JSON, sealed. */
const storedSession = z.object({ headers: z.record(z.string(), z.string()) });
export type SessionHeaders = z.infer<typeof storedSession>['headers'];

/** A login's outcome as it is stored. */
export function newSession(vault: Vault, accountId: string, outcome: LoginOutcome): NewSession {
  if (!isLoggedIn(outcome)) {
    const { code: failureCode, ms: loginMs } = outcome;
    return { accountId, sealedSession: null, expiresAt: null, loginMs, failureCode };
  }
  const { headers, expiresAt, ms: loginMs } = outcome;
  return {
    accountId,
    sealedSession: vault.seal(JSON.stringify({ headers })),
    expiresAt,
    loginMs,
    failureCode: null,
  };
}

/** @throws AppError `secret_unreadable` under another key than the one that sealed it */
export const openSession = (vault: Vault, sealed: string): SessionHeaders =>
  storedSession.parse(JSON.parse(vault.open(sealed))).headers;
