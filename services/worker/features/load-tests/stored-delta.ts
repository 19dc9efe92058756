import { z } from 'zod';
import { errorKinds } from '../../../../shared/kernel/request-error-kinds.ts';
import type { Delta } from './engine/delta.ts';

/** A delta as it is read back from Postgres, where another version of Muster may have written it. */
const count = z.number();

const storedDelta: z.ZodType<Delta> = z.object({
  seq: count,
  second: count,
  vus: count,
  vusMax: count,
  droppedIterations: count,
  started: count,
  underWay: count.default(0),
  isLast: z.boolean().exactOptional(),
  endpoints: z.record(
    z.string(),
    z.object({
      requests: count,
      failed: count,
      errors: z.partialRecord(z.enum(errorKinds), count),
      statuses: z.record(z.string(), count),
      bytesReceived: count,
      bytesSent: count,
      serviceTime: z.string(),
      responseTime: z.string(),
      serviceTimeSumUs: count,
    }),
  ),
  errorSamples: z.array(z.never()),
  events: z.array(z.never()),
  cutOff: z.boolean().exactOptional(),
  logins: z.object({ count, failed: count, duration: z.string(), durationSumUs: count }).exactOptional(),
  health: z.object({ loopDelayP99Ms: count, cpu: count, saturated: z.boolean() }),
});

export const deltaOf = (stored: unknown): Delta => storedDelta.parse(stored);
