import { v7 } from 'uuid';

/** A time-ordered UUID (version 7, RFC 9562): new rows land at the end of a B-tree. */
export const newId = (): string => v7();
