import { createHash } from 'node:crypto';
import { v7 } from 'uuid';

/** A time-ordered UUID (version 7, RFC 9562): new rows land at the end of a B-tree. */
export const newId = (): string => v7();

/** Whether a text is one that Postgres takes for a UUID, of any version, in its usual form. */
export const isUuid = (text: string): boolean => /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text);

/** Whether a text is a UUID as Postgres writes it, and not only as it would read one. */
export const isWrittenUuid = (text: string): boolean => isUuid(text) && text === text.toLowerCase();

/** The same id for the same moment and name, whoever makes it: among the ids of that moment, in order with all others. */
export const idOf = (atMs: number, name: string): string =>
  v7({ msecs: atMs, random: createHash('sha256').update(name).digest().subarray(0, 16) });
