/** Something that runs until it is told to stop: a server, a pool, a loop. */
export interface Service {
  readonly name: string;
  stop(): Promise<void>;
}

/**
 * The services of one process, stopped in the reverse order of their start. A service that fails to stop
 * does not keep the others from stopping; all failures are reported together.
 */
export function createLifecycle() {
  const services: Service[] = [];
  let stopping: Promise<void> | undefined;

  async function stopAll(): Promise<void> {
    const failures: unknown[] = [];
    for (const service of services.toReversed()) {
      await service.stop().catch((error: unknown) => failures.push(error));
    }
    services.length = 0;
    if (failures.length > 0) throw new AggregateError(failures, 'Some services did not stop cleanly');
  }

  return {
    /** Registers what was just started; gives it back, so that a start reads as one expression. */
    add<S extends Service>(service: S): S {
      services.push(service);
      return service;
    },
    /** Registers a bare stop function. */
    onStop(name: string, stop: () => Promise<void> | void): void {
      services.push({ name, stop: async () => stop() });
    },
    /** Stops everything, once, however often it is called. */
    stop(): Promise<void> {
      stopping ??= stopAll();
      return stopping;
    },
  };
}

export type Lifecycle = ReturnType<typeof createLifecycle>;
