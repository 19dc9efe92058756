import { TestEnvironment } from 'jest-environment-node';

type Cleanup = (file: { failed: boolean }) => Promise<void>;

declare global {
  /**
   * Runs a cleanup after every hook of the test file, the newest first; one that throws fails the file. It is told
   * whether a test or a hook of the file has failed.
   */
  var atFileEnd: (cleanup: Cleanup) => void;
}

/** What `jest.setTimeout` sets: Jest itself ignores the `testTimeout` of a project. */
const timeoutSymbol = Symbol.for('TEST_TIMEOUT_SYMBOL');

/**
 * Jest runs a file's `afterAll` hooks in the order of their definition, so a fixture that is called first would
 * clean up first, under the feet of the file's own hooks. Here it cleans up last.
 */
export default class FileEnvironment extends TestEnvironment {
  private readonly cleanups: Cleanup[] = [];
  private readonly timeoutMs: number | undefined;
  private failed = false;

  constructor(...[config, context]: ConstructorParameters<typeof TestEnvironment>) {
    super(config, context);
    this.timeoutMs = config.projectConfig.testTimeout;
  }

  /** Called by Jest with all that happens in the file. */
  handleTestEvent({ name }: { name: string }): void {
    if (name === 'test_fn_failure' || name === 'hook_failure') this.failed = true;
  }

  override async setup(): Promise<void> {
    await super.setup();
    if (this.timeoutMs !== undefined) this.global[timeoutSymbol] = this.timeoutMs;
    this.global.atFileEnd = cleanup => this.cleanups.push(cleanup);
  }

  override async teardown(): Promise<void> {
    const failures: unknown[] = [];
    const { failed } = this;
    for (const cleanup of this.cleanups.toReversed()) {
      await cleanup({ failed }).catch(error => failures.push(error));
    }
    await super.teardown();
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, 'Several clean-ups failed');
  }
}
