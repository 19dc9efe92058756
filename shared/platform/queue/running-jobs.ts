import { AppError, type ErrorCode } from '../../kernel/errors.ts';

/** The jobs that a consumer runs at present, and the switch of each one's signal. */
export interface RunningJobs {
  ids(): string[];
  /** Enters a job; its signal is aborted from the start when `abortAll` was called before. */
  begin(jobId: string): AbortSignal;
  end(jobId: string, signal: AbortSignal): void;
  abort(jobId: string, code: ErrorCode): void;
  /** Aborts all, also those that begin later: one may be on its way from the store. */
  abortAll(code: ErrorCode): void;
}

export function createRunningJobs(): RunningJobs {
  const controllers = new Map<string, AbortController>();
  let closedBy: ErrorCode | undefined;

  return {
    ids: () => [...controllers.keys()],
    begin(jobId) {
      const controller = new AbortController();
      controllers.set(jobId, controller);
      if (closedBy !== undefined) controller.abort(new AppError(closedBy));
      return controller.signal;
    },
    end(jobId, signal) {
      // After a lost lock the same job may run here a second time, while its first run still ends.
      if (controllers.get(jobId)?.signal === signal) controllers.delete(jobId);
    },
    abort: (jobId, code) => controllers.get(jobId)?.abort(new AppError(code)),
    abortAll(code) {
      closedBy = code;
      for (const controller of controllers.values()) controller.abort(new AppError(code));
    },
  };
}
