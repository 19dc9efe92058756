import type { z } from 'zod';
import {
  type identifyUsersOperation,
  type Suspicion,
  suspicions,
} from '../../../../shared/http/bulk-lifecycle.ts';
import { secondsSince } from '../../../../shared/kernel/time.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import {
  identifyUsers,
  type SampleUser,
  sampleLookalikes,
  sampleUnrecorded,
  sampleUsers,
} from '../../../../shared/store/bulk-users/user-identification.ts';
import type { UserTable } from '../../../../shared/store/users/user-table.ts';

type Answer = z.input<(typeof identifyUsersOperation)['responses'][200]['schema']>;

const limit = 10;
const none: Promise<SampleUser[]> = Promise.resolve([]);

/** Counts and samples of test, production and suspect users. */
export async function identify(
  { applicationDb: db, users }: { applicationDb: Executor; users: UserTable },
  patterns: string[],
): Promise<Answer> {
  const startedAt = performance.now();
  const { test, production, lookalikes, unknownBatch, unrecorded, missing } = await identifyUsers(
    db,
    users,
    patterns,
  );
  const counts: Record<string, number> = { ...lookalikes, unknown_batch: unknownBatch, unrecorded };
  const by_reason = Object.fromEntries(suspicions.map(reason => [reason, counts[reason] ?? 0]));
  const [tests, productions, ...suspects] = await Promise.all([
    test > 0 ? sampleUsers(db, users, { isTest: true, limit }) : none,
    production > 0 ? sampleUsers(db, users, { isTest: false, limit }) : none,
    Object.keys(lookalikes).length > 0 ? sampleLookalikes(db, users, { patterns, limit }) : none,
    unknownBatch + unrecorded > 0 ? sampleUnrecorded(db, users, limit) : none,
  ]);
  return {
    total_users: test + production,
    test_users: {
      count: test,
      samples: tests.map(user => ({ ...identity(user), test_batch_id: user.test_batch_id })),
    },
    production_users: { count: production, samples: productions.map(identity) },
    suspect_users: {
      count: Object.values(counts).reduce((total, users) => total + users, 0),
      by_reason: by_reason as Record<Suspicion, number>,
      samples: suspects.flat().map(user => ({ ...identity(user), reason: reasonOf(user) })),
    },
    missing_users: missing,
    duration: secondsSince(startedAt),
  };
}

const identity = ({ id, username, email }: SampleUser) => ({ id, username, email });

const reasonOf = ({ reason }: SampleUser): Suspicion =>
  suspicions.find(known => known === reason) ?? 'test_name';
