import { and, asc, desc, eq, isNull, lt, type SQL, sql } from 'drizzle-orm';
import { loadTests } from '../../../drizzle/platform/schema/load-tests.ts';
import type { LoadTestConfig, LoadTestControl, LoadTestStatus } from '../../contracts/load-tests.ts';
import type { Executor } from '../../platform/postgres/db.ts';
import { appendLoadEvents } from './load-events.ts';

/** The requests' side of load tests: ask, look, control. The conductor's is in `load-runs.ts`. */
export type LoadTestRow = typeof loadTests.$inferSelect;

/** What is in force when nobody has changed anything. */
export const initialControl = (config: LoadTestConfig): LoadTestControl => ({
  stop: null,
  paused: false,
  concurrent_users: null,
  rate: null,
  load_factor: 1,
  endpoint_weights: Object.fromEntries(config.endpoints.map(({ name, weight }) => [name, weight])),
  request_interval_min: config.request_interval_min,
  request_interval_max: config.request_interval_max,
});

export async function insertLoadTest(
  tx: Executor,
  { id, jobId, config }: { id: string; jobId: string; config: LoadTestConfig },
): Promise<LoadTestRow> {
  const [row] = await tx
    .insert(loadTests)
    .values({ id, jobId, config, control: initialControl(config) })
    .returning();
  if (row === undefined) throw new Error(`The load test ${id} was inserted and is not there`);
  return row;
}

export async function findLoadTest(db: Executor, id: string): Promise<LoadTestRow | undefined> {
  const [row] = await db.select().from(loadTests).where(eq(loadTests.id, id));
  return row;
}

export interface LoadTestFilter {
  status?: LoadTestStatus | undefined;
  /** Whether to list only tests that have not ended. */
  active?: boolean | undefined;
  /** Rows older than this id; ids are time-ordered. */
  before?: string | undefined;
  limit: number;
}

/** Load tests, newest first. */
export function listLoadTests(
  db: Executor,
  { status, active = false, before, limit }: LoadTestFilter,
): Promise<LoadTestRow[]> {
  const conditions: SQL[] = [];
  if (status !== undefined) conditions.push(eq(loadTests.status, status));
  if (active) conditions.push(isNull(loadTests.finishedAt));
  if (before !== undefined) conditions.push(lt(loadTests.id, before));
  return db
    .select()
    .from(loadTests)
    .where(and(...conditions))
    .orderBy(desc(loadTests.id))
    .limit(limit);
}

/** Which of these have ended. */
export async function listEndedTests(db: Executor, ids: string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const rows = await db
    .select({ id: loadTests.id })
    .from(loadTests)
    .where(sql`${loadTests.id} = any (${sql.param(ids)}::uuid[]) and ${loadTests.finishedAt} is not null`);
  return rows.map(({ id }) => id);
}

/** What somebody may change while a test runs; weights that are not named stay as they are. */
export type ControlPatch = Partial<Omit<LoadTestControl, 'stop' | 'load_factor'>>;

/**
 * Changes what is in force, and says in the log who changed what from what; workers follow within half a second.
 * Gives undefined when the test has ended or does not exist. To be called in a transaction.
 * @param assertFits throws when the change does not fit what is in force, which nobody else changes meanwhile
 */
export async function changeControl(
  tx: Executor,
  id: string,
  patch: ControlPatch,
  actor: string,
  assertFits: (before: LoadTestRow) => void = () => {},
): Promise<LoadTestRow | undefined> {
  const [before] = await tx
    .select()
    .from(loadTests)
    .where(and(eq(loadTests.id, id), isNull(loadTests.finishedAt)))
    .for('no key update');
  if (before === undefined) return undefined;
  assertFits(before);
  const control: LoadTestControl = {
    ...before.control,
    ...patch,
    endpoint_weights: { ...before.control.endpoint_weights, ...patch.endpoint_weights },
  };
  const changes = describeChanges(before.control, control);
  if (changes.length === 0) return before;
  const [after] = await tx
    .update(loadTests)
    .set({ control, controlVersion: before.controlVersion + 1 })
    .where(eq(loadTests.id, id))
    .returning();
  await appendLoadEvents(tx, id, [{ type: 'control', message: changes.join(', '), actor }]);
  return after;
}

/** `concurrent_users 10 → 20`, one text a setting that differs. */
function describeChanges(from: LoadTestControl, to: LoadTestControl): string[] {
  const { endpoint_weights: weightsBefore, ...before } = from;
  const { endpoint_weights: weightsAfter, ...after } = to;
  return [
    ...differences(before, after, name => name),
    ...differences(weightsBefore, weightsAfter, name => `weight of ${name}`),
  ];
}

const differences = (from: object, to: object, label: (name: string) => string): string[] => {
  const before = new Map(Object.entries(from));
  return Object.entries(to)
    .filter(([name, value]) => before.get(name) !== value)
    .map(([name, value]) => `${label(name)} ${shown(before.get(name))} → ${shown(value)}`);
};

const shown = (value: unknown): string => (value === null ? 'as planned' : String(value));

/**
 * Asks for the end of one test, or of all that are active. An emergency is never softened by a graceful stop that
 * comes after it. To be called in a transaction.
 * @returns the ids of the tests that are to end, those that were asked to before among them
 */
export async function requestStop(
  tx: Executor,
  { id, mode, actor }: { id?: string; mode: 'graceful' | 'emergency'; actor: string },
): Promise<string[]> {
  const active = await tx
    .select({ id: loadTests.id, stop: sql<LoadTestControl['stop']>`${loadTests.control} ->> 'stop'` })
    .from(loadTests)
    .where(and(isNull(loadTests.finishedAt), id === undefined ? undefined : eq(loadTests.id, id)))
    .orderBy(asc(loadTests.id)) // so that two who stop everything at once do not wait for each other
    .for('no key update');
  const changing = active.filter(({ stop }) => stop !== mode && stop !== 'emergency').map(row => row.id);
  await setStop(tx, changing, mode);
  const message = mode === 'emergency' ? 'emergency stop' : 'stop';
  for (const testId of changing) await appendLoadEvents(tx, testId, [{ type: 'control', message, actor }]);
  return active.map(row => row.id);
}

/** Sets `control.stop` of tests whose rows the transaction holds. */
export async function setStop(tx: Executor, ids: string[], mode: 'graceful' | 'emergency'): Promise<void> {
  if (ids.length === 0) return;
  await tx.execute(sql`
    update load_tests set control_version = control_version + 1,
      control = control || jsonb_build_object('stop', ${mode}::text)
    where id = any (${sql.param(ids)}::uuid[])`);
}
