import type { RequestHandler, Response } from 'express';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Operation } from '../../../../shared/http/operation.ts';
import { messageOf } from '../../../../shared/kernel/errors.ts';
import type { Logger } from '../../../../shared/platform/log.ts';
import type { Db } from '../../../../shared/platform/postgres/db.ts';
import { countJobs } from '../../../../shared/store/jobs/job-counts.ts';
import { within } from '../../within.ts';
import type { AlertWatch } from './alerts.ts';
import type { ResponseTimes } from './response-times.ts';

/** A scrape goes on without what a slow or lost store would have said. */
const collectTimeoutMs = 1000;

export interface MetricsDeps {
  db: Db;
  queue: { counts(): Promise<Record<string, Record<string, number>>> };
  logger: Logger;
  responseTimes: ResponseTimes;
  alerts: Pick<AlertWatch, 'latest'>;
}

export interface Metrics {
  /** Measures the answers of an operation, from here to their last byte. */
  observe(operation: Operation): RequestHandler;
  /** The Prometheus text format. */
  text(): Promise<string>;
  readonly contentType: string;
}

export function createMetrics(deps: MetricsDeps): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const durations = new Histogram({
    name: 'muster_http_request_duration_seconds',
    help: 'Time to answer, by operation and status',
    labelNames: ['operation', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  registerStateGauges(registry, deps);

  return {
    observe: operation => (_request, response, next) => {
      const end = durations.startTimer({ operation: operation.id });
      response.once('close', () => {
        const seconds = end({ status: String(response.statusCode) });
        if (!isEventStream(response)) deps.responseTimes.record(seconds);
      });
      next();
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

/** An event stream lasts as long as somebody looks at it. */
const isEventStream = (response: Response): boolean =>
  String(response.getHeader('content-type')).startsWith('text/event-stream');

type Sample = { labels: Record<string, string>; value: number };

/** What the stores hold, read at each scrape. */
function registerStateGauges(registry: Registry, { db, queue, logger, alerts }: MetricsDeps): void {
  const gauge = (name: string, help: string, labelNames: string[], read: () => Promise<Sample[]>) =>
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      async collect() {
        this.reset();
        try {
          const samples = await within(collectTimeoutMs, read());
          for (const { labels, value } of samples) this.set(labels, value);
        } catch (error) {
          logger.warn({ metric: name, reason: messageOf(error) }, 'a metric could not be read');
        }
      },
    });

  gauge('muster_jobs', 'Jobs in the database', ['kind', 'status'], async () => {
    const rows = await countJobs(db);
    return rows.map(({ kind, status, jobs }) => ({ labels: { kind, status }, value: jobs }));
  });
  gauge('muster_alert_firing', 'Whether an alert is firing (1) or not (0)', ['alert'], async () =>
    alerts
      .latest()
      .map(({ name, status }) => ({ labels: { alert: name }, value: status === 'firing' ? 1 : 0 })),
  );
  gauge('muster_queue_jobs', 'Jobs in the queues', ['queue', 'state'], async () => {
    const counts = Object.entries(await queue.counts());
    return counts.flatMap(([name, states]) =>
      Object.entries(states).map(([state, value]) => ({ labels: { queue: name, state }, value })),
    );
  });
}
