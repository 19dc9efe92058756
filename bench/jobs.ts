import { z } from 'zod';
import type { BenchStack } from './stack.ts';

const jobSchema = z.object({
  id: z.string(),
  status: z.string(),
  result: z.unknown(),
  error: z.unknown(),
  finished_at: z.string().nullable(),
});

export interface FinishedJob {
  /** From the request to the end, as a client sees it. */
  seconds: number;
  result: unknown;
}

/**
 * Submits a job and waits for its success, told by its event stream: who asks again and again takes the processors from
 * the job that is measured.
 */
export async function runJob(
  stack: BenchStack,
  method: string,
  path: string,
  body?: object,
): Promise<FinishedJob> {
  const startedAt = performance.now();
  const { id } = jobSchema.parse(await callApi(stack, method, path, body));
  for (;;) {
    await readEvents(stack, id);
    const seconds = (performance.now() - startedAt) / 1000;
    const job = jobSchema.parse(await callApi(stack, 'GET', `/api/jobs/${id}`));
    if (job.status === 'succeeded') return { seconds, result: job.result };
    if (job.finished_at !== null)
      throw new Error(`${method} ${path}: ${job.status} ${JSON.stringify(job.error)}`);
  }
}

/** Until they end, which is with the job. */
async function readEvents({ apiUrl, apiKey }: BenchStack, jobId: string): Promise<void> {
  const response = await fetch(`${apiUrl}/api/jobs/${jobId}/events`, { headers: { 'X-API-Key': apiKey } });
  if (!response.ok)
    throw new Error(`The events of job ${jobId}: ${response.status} ${await response.text()}`);
  for await (const _ of response.body ?? []);
}

/** The JSON of an answer; undefined when it has no body. */
export async function callApi(
  { apiUrl, apiKey }: BenchStack,
  method: string,
  path: string,
  body?: object,
): Promise<unknown> {
  const response = await fetch(apiUrl + path, {
    method,
    headers: { 'X-API-Key': apiKey, 'Content-Type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}
