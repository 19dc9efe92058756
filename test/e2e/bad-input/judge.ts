import { type Problem, problem } from '../../../shared/http/problem.ts';
import type { DocumentedOperation } from './openapi.ts';

/** A line for each thing that is wrong with a status: it is not one of those due, or the document does not have it. */
export function judgeStatus(
  status: number,
  statuses: readonly number[] | undefined,
  { responses }: DocumentedOperation,
): string[] {
  const isRight = statuses?.includes(status) ?? status < 500;
  const isDocumented = String(status) in responses;
  return [
    ...(isRight ? [] : [`answered ${status}`]),
    ...(isDocumented ? [] : [`answered ${status}, which the document does not have`]),
  ];
}

export type Faults = NonNullable<Problem['errors']>;

/** A line for each thing that is wrong with the body of a refusal, and the faults that it reports. */
export function judgeProblem(
  response: Response,
  text: string,
  pointers: string[] = [],
): { complaints: string[]; faults: Faults } {
  if (!response.headers.get('content-type')?.startsWith('application/problem+json'))
    return { complaints: ['is no problem+json'], faults: [] };
  const { errors: faults = [], status } = problem.parse(JSON.parse(text));
  if (status !== response.status) return { complaints: ['says another status than it has'], faults };
  if (status === 413) return { complaints: [], faults }; // it was not read
  const complaints = pointers
    .filter(pointer => !faults.some(fault => isAt(fault.pointer, pointer)))
    .map(pointer => `reports no fault at ${pointer}`);
  return { complaints, faults };
}

/** Whether a fault is at a place, at what contains it, or within it. */
const isAt = (fault: string, pointer: string): boolean =>
  pointer.startsWith(fault) || fault.startsWith(`${pointer}/`);

/** Codes of faults that lie in a value itself, and not in how it goes with others or with what is stored. */
const ownFaults = [
  ...['wrong_type', 'not_allowed', 'unknown_field', 'too_small', 'too_big', 'invalid_format'],
  ...['not_multiple_of', 'invalid_character', 'too_deep'],
];

/** Whether a value was refused for itself, among others: then it is refused alone too. */
export const isRefusedBySchema = (faults: Faults, place: string): boolean =>
  faults.some(
    ({ pointer, code }) => ownFaults.includes(code) && (pointer === place || pointer.startsWith(`${place}/`)),
  );
