import { bulkUsersChunk, bulkUsersCreate } from './bulk-users.ts';

/** Every queue of Muster. Workers must have a processor for each; Bull Board, metrics and the CLI iterate it. */
export const contracts = {
  'bulk-users.create': bulkUsersCreate,
  'bulk-users.chunk': bulkUsersChunk,
} as const;

export type Contracts = typeof contracts;

/** The jobs among them: what `jobs.kind` can be. */
export const jobContracts = { 'bulk-users.create': bulkUsersCreate } as const;
export type JobKind = keyof typeof jobContracts;

export const isJobKind = (kind: string): kind is JobKind => Object.hasOwn(jobContracts, kind);
