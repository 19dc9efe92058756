import { z } from 'zod';
import { jobErrorSchema, jobProgressSchema, jobStatuses } from '../contracts/job.ts';
import { timestamp, uuid } from './fields.ts';
import { defineOperation } from './operation.ts';
import { pageOf, pageQuery } from './pagination.ts';

/** A job on the wire: the answer to every long piece of work. */
export const job = z
  .object({
    id: uuid,
    kind: z.string(),
    status: z.enum(jobStatuses),
    progress: jobProgressSchema.nullable(),
    result: z.unknown().describe("The kind's own result; null until the job has ended"),
    error: jobErrorSchema.nullable(),
    requested_by: z.string(),
    attempts: z.int().describe('Tries in this run'),
    created_at: timestamp,
    started_at: timestamp.nullable(),
    finished_at: timestamp.nullable(),
    links: z.object({ self: z.string(), events: z.string(), cancel: z.string(), retry: z.string() }),
  })
  .meta({ id: 'Job' });

const params = z.strictObject({ id: uuid });
const tag = 'Jobs';

export const listJobsOperation = defineOperation({
  id: 'listJobs',
  method: 'get',
  path: '/api/jobs',
  role: 'viewer',
  tag,
  summary: 'Jobs, newest first',
  query: z.strictObject({
    ...pageQuery,
    kind: z.string().max(100).optional(),
    status: z.enum(jobStatuses).optional(),
  }),
  responses: { 200: { description: 'A page of jobs', schema: pageOf(job) } },
});

export const getJobOperation = defineOperation({
  id: 'getJob',
  method: 'get',
  path: '/api/jobs/{id}',
  role: 'viewer',
  tag,
  summary: 'One job',
  params,
  responses: { 200: { description: 'The job', schema: job } },
});

export const cancelJobOperation = defineOperation({
  id: 'cancelJob',
  method: 'post',
  path: '/api/jobs/{id}/cancel',
  role: 'operator',
  tag,
  summary: 'Cancel a job',
  description: 'A waiting job ends at once; a running one within a second or so, keeping what it has done.',
  params,
  responses: { 202: { description: 'The job, which will be cancelled', schema: job } },
  errors: ['conflict'],
});

export const retryJobOperation = defineOperation({
  id: 'retryJob',
  method: 'post',
  path: '/api/jobs/{id}/retry',
  role: 'operator',
  tag,
  summary: 'Run a job again',
  description:
    'For a job that failed, was cancelled or succeeded in part. What it has done is not done twice. It takes the role ' +
    'that it takes to start such a job: admin for a cleanup.',
  params,
  responses: { 202: { description: 'The job, queued again', schema: job } },
  errors: ['conflict'],
});

export const streamJobEventsOperation = defineOperation({
  id: 'streamJobEvents',
  method: 'get',
  path: '/api/jobs/{id}/events',
  role: 'viewer',
  tag,
  summary: "A job's events as they happen",
  description:
    'Server-sent events `status`, `progress`, `log` and `result`, with ascending ids. Resumes after the ' +
    '`Last-Event-ID` header, sends a comment every 15 seconds, and ends after the terminal event.',
  params,
  responses: { 200: { description: 'The stream', contentTypes: ['text/event-stream'] } },
});
