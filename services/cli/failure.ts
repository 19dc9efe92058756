import type { Problem } from '../../shared/http/problem.ts';

/** What the CLI's exit code says. Documented in README.md. */
export const exitCodes = {
  /** Something else went wrong, or the API refused the request (4xx) or failed (5xx). */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** No API answers. */
  unreachable: 3,
  /** The API key is missing, wrong, or may not do this. */
  unauthorized: 4,
  /** The job that was followed failed, was cancelled, or succeeded only in part. */
  job_unsuccessful: 5,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

export interface FailureOptions {
  hint?: string;
  /** What the API said, when it was the API. */
  problem?: Problem;
  /** The HTTP status, where what answered said no more, as what is no Muster. */
  status?: number;
  cause?: unknown;
}

/** Why a command did not do what it should, for a person; `kind` decides the exit code. */
export class CliFailure extends Error {
  readonly kind: keyof typeof exitCodes;
  readonly hint: string | undefined;
  readonly problem: Problem | undefined;
  /** The status of the API's answer; undefined when there was none. */
  readonly status: number | undefined;

  constructor(
    kind: keyof typeof exitCodes,
    message: string,
    { hint, problem, status, cause }: FailureOptions = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'CliFailure';
    this.kind = kind;
    this.hint = hint;
    this.problem = problem;
    this.status = problem?.status ?? status;
  }
}

/** The lines that a person reads: what was wrong, every fault of the request, what to do. */
export function describeFailure({ message, hint, problem }: CliFailure): string[] {
  const faults = (problem?.errors ?? []).map(
    fault => `  ${fault.pointer || '(body)'}  ${fault.detail} [${fault.code}]`,
  );
  const source = problem ? [`  ${problem.code}, HTTP ${problem.status}, request ${problem.request_id}`] : [];
  return [message, ...faults, ...source, ...(hint === undefined ? [] : [hint])];
}
