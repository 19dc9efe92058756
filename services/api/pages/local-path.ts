const anyOrigin = 'http://muster.invalid';

/**
 * `next` of the login page as a path of this site, or the fallback: a link to the login page must not be a way to
 * another site. The path is given as a URL parser sees it, since browsers drop tabs and turn `\` into `/`.
 */
export function localPath(next: unknown, fallback: string): string {
  if (typeof next !== 'string' || !next.startsWith('/')) return fallback;
  const url = URL.parse(next, anyOrigin);
  if (url === null || url.origin !== anyOrigin || url.pathname.startsWith('//')) return fallback;
  return `${url.pathname}${url.search}${url.hash}`;
}
