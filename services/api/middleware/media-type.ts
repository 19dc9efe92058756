/** What a Content-Type says: the type, and whether text of it is in UTF-8, as it is unless another charset is named. */
export function readMediaType(header = ''): { type: string; isUtf8: boolean } {
  const [type = '', ...parameters] = header.split(';').map(part => part.trim().toLowerCase());
  const charsets = parameters.filter(parameter => parameter.startsWith('charset='));
  return { type, isUtf8: charsets.every(charset => /^charset="?utf-?8"?$/.test(charset)) };
}
