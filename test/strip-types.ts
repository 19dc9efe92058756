import { stripTypeScriptTypes } from 'node:module';

/**
 * Jest's transformer for `.ts`: Node's own type stripping, so that tests run the very code that production does. Types
 * become blanks, nothing moves, and the positions of errors and coverage are those of the file.
 */
export default {
  process: (source: string) => ({ code: stripTypeScriptTypes(source) }),
};
