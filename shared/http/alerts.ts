import { z } from 'zod';
import { timestamp } from './fields.ts';
import { defineOperation } from './operation.ts';

const alert = z
  .object({
    name: z.enum([
      'user_creation_failure_rate',
      'sync_failure_rate',
      'response_time_p95',
      'memory_usage_percent',
      'disk_usage_percent',
    ]),
    status: z.enum(['firing', 'ok']).describe('`firing` while the value is above the threshold'),
    value: z.number().nullable().describe('Null while there is nothing to go by'),
    threshold: z.number().describe('A setting: `alert_...`'),
    unit: z.enum(['share', 'seconds', 'percent']),
    since: timestamp.describe('When this api process saw it become so'),
    detail: z.string(),
  })
  .meta({ id: 'Alert' });
export type Alert = z.infer<typeof alert>;

export const listAlertsOperation = defineOperation({
  id: 'listAlerts',
  method: 'get',
  path: '/api/alerts',
  role: 'viewer',
  tag: 'System',
  summary: 'What is above its threshold, and what is not',
  responses: { 200: { description: 'Every alert', schema: z.object({ items: z.array(alert) }) } },
});
