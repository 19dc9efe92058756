import type { SessionCounts } from '../../../../shared/store/accounts/account-sessions.ts';

/** The pool's sessions, target by target and together. */
export function presentSessions(pool: { accounts: number; leased: number }, targets: SessionCounts[]) {
  const sumOf = (state: 'active' | 'expired' | 'failed') =>
    targets.reduce((sum, target) => sum + target[state], 0);
  return {
    accounts: pool.accounts,
    active: sumOf('active'),
    expired: sumOf('expired'),
    failed: sumOf('failed'),
    leased: pool.leased,
    targets: targets.map(({ nextExpiry, ...target }) => ({
      ...target,
      next_expiry: nextExpiry?.toISOString() ?? null,
    })),
  };
}
