import { type ErrorKind, errorKinds } from '../../../../../shared/kernel/request-error-kinds.ts';
import type { EndpointDelta } from './delta.ts';
import { LatencyRecorder } from './latency-histogram.ts';

/**
 * What one endpoint has done since the last drain. On the path of every request, so: typed arrays, fields written in
 * place, nothing allocated.
 */
export class EndpointRecorder {
  requests = 0;
  failed = 0;
  bytesReceived = 0;
  bytesSent = 0;
  readonly #statuses = new Uint32Array(1000);
  readonly #errors = new Map<ErrorKind, number>();
  readonly #service = new LatencyRecorder();
  readonly #response = new LatencyRecorder();

  /** A whole answer; `kind` when it is an error all the same. */
  answered(status: number, serviceUs: number, responseUs: number, kind: ErrorKind | undefined): void {
    this.requests++;
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
    this.#service.record(serviceUs);
    this.#response.record(responseUs);
    if (kind !== undefined) this.#countError(kind);
  }

  /** A request without a whole answer: counted, but in no histogram. */
  lost(kind: ErrorKind): void {
    this.requests++;
    this.#countError(kind);
  }

  /**
   * A request that was given up after so long: its answer would have taken longer still, so that leaving it out would
   * flatter the target.
   * @param serviceUs undefined when its wait was not the target's doing
   */
  timedOut(kind: ErrorKind, serviceUs: number | undefined, responseUs: number): void {
    this.lost(kind);
    if (serviceUs !== undefined) this.#service.record(serviceUs);
    this.#response.record(responseUs);
  }

  /** Errors of this kind since the last drain. */
  errorsOf(kind: ErrorKind): number {
    return this.#errors.get(kind) ?? 0;
  }

  #countError(kind: ErrorKind): void {
    this.failed++;
    this.#errors.set(kind, this.errorsOf(kind) + 1);
  }

  /** What happened since the last drain; undefined when nothing did. */
  drain(): EndpointDelta | undefined {
    if (this.requests + this.bytesReceived + this.bytesSent === 0) return undefined;
    const delta: EndpointDelta = {
      requests: this.requests,
      failed: this.failed,
      errors: this.#drainErrors(),
      statuses: this.#drainStatuses(),
      bytesReceived: this.bytesReceived,
      bytesSent: this.bytesSent,
      serviceTimeSumUs: this.#service.sumUs,
      serviceTime: this.#service.drain(),
      responseTime: this.#response.drain(),
    };
    this.requests = 0;
    this.failed = 0;
    this.bytesReceived = 0;
    this.bytesSent = 0;
    return delta;
  }

  #drainErrors(): Partial<Record<ErrorKind, number>> {
    const errors: Partial<Record<ErrorKind, number>> = {};
    for (const kind of errorKinds) {
      const count = this.#errors.get(kind);
      if (count !== undefined) errors[kind] = count;
    }
    this.#errors.clear();
    return errors;
  }

  #drainStatuses(): Record<string, number> {
    const statuses: Record<string, number> = {};
    this.#statuses.forEach((count, status) => {
      if (count > 0) statuses[status] = count;
    });
    this.#statuses.fill(0);
    return statuses;
  }
}
