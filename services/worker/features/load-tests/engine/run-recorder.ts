import type { ErrorKind } from '../../../../../shared/kernel/request-error-kinds.ts';
import type { EndpointDelta, EngineEvent, ErrorSample } from './delta.ts';
import { EndpointRecorder } from './endpoint-recorder.ts';
import { cleanMessage } from './error-kinds.ts';
import type { RequestTemplate } from './request-template.ts';

/** Of each kind of error of each endpoint, a drain: what fails all the time must not crowd out what is rare. */
const maxSamplesOfKind = 2;

/** The most events that an engine reports in its life: a breaker may open and close for days. */
const maxEvents = 200;

/** Everything that is counted, from one drain to the next. */
export class RunRecorder {
  /** Requests written to a socket. */
  started = 0;
  /** Requests started so far whose end is not counted yet. */
  underWay = 0;
  droppedIterations = 0;
  readonly #names: readonly string[];
  readonly #endpoints: EndpointRecorder[];
  readonly #elapsedMs: () => number;
  readonly #keepSamples: boolean;
  #samples: ErrorSample[] = [];
  #events: EngineEvent[] = [];
  #eventsToTell = maxEvents;

  constructor(names: readonly string[], elapsedMs: () => number, keepSamples: boolean) {
    this.#names = names;
    this.#endpoints = names.map(() => new EndpointRecorder());
    this.#elapsedMs = elapsedMs;
    this.#keepSamples = keepSamples;
  }

  endpoint(index: number): EndpointRecorder {
    const endpoint = this.#endpoints[index];
    if (endpoint === undefined) throw new RangeError(`There is no endpoint ${index}`);
    return endpoint;
  }

  /** Keeps a sample of an error that was counted, as long as there is room. No query strings: they may hold secrets. */
  sample(
    template: RequestTemplate,
    kind: ErrorKind,
    status: number,
    error: unknown,
    username?: string,
  ): void {
    if (!this.#keepSamples || this.endpoint(template.endpoint).errorsOf(kind) > maxSamplesOfKind) return;
    const path = template.path.replace(/\?.*$/s, '');
    this.#samples.push({
      atMs: Math.round(this.#elapsedMs()),
      endpoint: template.name,
      kind,
      ...(status > 0 && { status }),
      message: cleanMessage(error ?? `${template.method} ${path} answered ${status}`),
      ...(username !== undefined && { username }),
    });
  }

  event(type: EngineEvent['type'], message: string): void {
    if (this.#eventsToTell === 0) return;
    const isLast = --this.#eventsToTell === 0;
    const told = isLast ? `${message}; what follows of this shard is not told any more` : message;
    this.#events.push({ atMs: Math.round(this.#elapsedMs()), type, message: told });
  }

  drain() {
    const endpoints: Record<string, EndpointDelta> = {};
    this.#endpoints.forEach((recorder, index) => {
      const delta = recorder.drain();
      const name = this.#names[index];
      if (delta !== undefined && name !== undefined) endpoints[name] = delta;
    });
    const drained = {
      droppedIterations: this.droppedIterations,
      started: this.started,
      underWay: this.underWay,
      endpoints,
      errorSamples: this.#samples,
      events: this.#events,
    };
    this.started = 0;
    this.droppedIterations = 0;
    this.#samples = [];
    this.#events = [];
    return drained;
  }
}
