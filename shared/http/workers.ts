import { z } from 'zod';
import { queueActivitySchema, workerStatuses } from '../contracts/worker.ts';
import { timestamp, uuid } from './fields.ts';
import { defineOperation } from './operation.ts';

const worker = z
  .object({
    id: uuid,
    name: z.string(),
    host: z.string(),
    pid: z.int(),
    version: z.string(),
    status: z.enum(workerStatuses),
    load_slots: z.int().describe('Shards of load tests that it runs at once; 0 when it takes none any more'),
    queues: z.record(z.string(), queueActivitySchema).describe('By queue'),
    started_at: timestamp,
    last_seen_at: timestamp,
  })
  .meta({ id: 'Worker' });

export const listWorkersOperation = defineOperation({
  id: 'listWorkers',
  method: 'get',
  path: '/api/workers',
  role: 'viewer',
  tag: 'System',
  summary: 'The workers heard of in the last hour, and what each one does',
  description:
    'One that was not heard of for 10 s is `lost`, and is at work on nothing. It is left out some minutes later, when ' +
    'another one of its name was started on its host since.',
  responses: { 200: { description: 'The workers', schema: z.object({ items: z.array(worker) }) } },
});
