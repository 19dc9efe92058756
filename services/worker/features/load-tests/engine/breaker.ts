/**
 * A circuit breaker for one engine.
 *
 *   closed ──n errors in a row──► open ──pause over──► probing ──success──► closed
 *                                  ▲                      │
 *                                  └──error, pause x2─────┘   (up to 8 times the pause)
 *
 * While open it admits nothing; while probing, one request. A probe that is never answered is followed by another
 * after the same pause. Results of requests that were under way when it opened count for nothing, however late they are:
 * whoever tells of one says in which generation it was admitted.
 */
export interface Breaker {
  /** Whether a request may start now; while probing, the first to ask is the probe. */
  admits(): boolean;
  /** Raised each time that it opens. */
  readonly generation: number;
  succeeded(generation: number): void;
  failed(generation: number): void;
  stop(): void;
}

export interface BreakerDeps {
  onOpen(message: string): void;
  onClose(message: string): void;
  /** More is admitted than before: a probe, or everything. */
  onAdmitting(): void;
}

const longestPauseFactor = 8;

export function createBreaker(
  { consecutiveErrors, pauseMs }: { consecutiveErrors: number; pauseMs: number },
  { onOpen, onClose, onAdmitting }: BreakerDeps,
): Breaker {
  let state: 'closed' | 'open' | 'probing' = 'closed';
  let generation = 0;
  let errorsInRow = 0;
  let pauseFactor = 1;
  let probes = 0;
  let timer: NodeJS.Timeout | undefined;

  function open(reason: string): void {
    state = 'open';
    generation++;
    const forMs = pauseMs * pauseFactor;
    onOpen(`${reason}; no requests for ${forMs} ms`);
    timer = setTimeout(probe, forMs);
  }

  function probe(): void {
    state = 'probing';
    probes = 1;
    timer = setTimeout(probe, pauseMs * pauseFactor);
    onAdmitting();
  }

  function close(): void {
    clearTimeout(timer);
    state = 'closed';
    errorsInRow = 0;
    pauseFactor = 1;
    onClose('The probe succeeded');
    onAdmitting();
  }

  return {
    admits: () => state === 'closed' || (state === 'probing' && probes-- > 0),
    get generation() {
      return generation;
    },
    succeeded(of) {
      if (of !== generation) return;
      errorsInRow = 0;
      if (state === 'probing') close();
    },
    failed(of) {
      if (of !== generation) return;
      if (state === 'closed' && ++errorsInRow >= consecutiveErrors) open(`${errorsInRow} errors in a row`);
      else if (state === 'probing') {
        clearTimeout(timer);
        pauseFactor = Math.min(pauseFactor * 2, longestPauseFactor);
        open('The probe failed');
      }
    },
    stop: () => clearTimeout(timer),
  };
}
