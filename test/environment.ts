import { TestEnvironment } from 'jest-environment-node';

type Cleanup = () => Promise<void>;

declare global {
  /** Runs a cleanup after every hook of the test file, the newest first; one that throws fails the file. */
  var atFileEnd: (cleanup: Cleanup) => void;
}

/**
 * Jest runs a file's `afterAll` hooks in the order of their definition, so a fixture that is called first would
 * clean up first, under the feet of the file's own hooks. Here it cleans up last.
 */
export default class FileEnvironment extends TestEnvironment {
  private readonly cleanups: Cleanup[] = [];

  override async setup(): Promise<void> {
    await super.setup();
    this.global.atFileEnd = cleanup => this.cleanups.push(cleanup);
  }

  override async teardown(): Promise<void> {
    const failures: unknown[] = [];
    for (const cleanup of this.cleanups.toReversed()) await cleanup().catch(error => failures.push(error));
    await super.teardown();
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, 'Several clean-ups failed');
  }
}
