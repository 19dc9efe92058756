import { v7 } from 'uuid';

/** A time-ordered UUID (version 7, RFC 9562): new rows land at the end of a B-tree. */
export const newId = (): string => v7();

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export const isUuid = (text: string): boolean => uuidPattern.test(text);
