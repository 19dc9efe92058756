import type { Request } from 'express';

/**
 * Whether a person waits for a page: a browser that follows a link or sends a form. A script of a page is none, whatever
 * it accepts; older browsers, and all of them without TLS, do not say which of the two it is.
 */
export const isNavigation = (request: Request): boolean =>
  ['document', undefined].includes(request.get('sec-fetch-dest')) &&
  request.accepts(['json', 'html']) === 'html';
