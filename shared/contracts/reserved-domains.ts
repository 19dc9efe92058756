/**
 * RFC 2606 and RFC 6761: nobody can own them, so that no mail to a test user ever reaches a person. A regular expression
 * that means the same to JavaScript and to PostgreSQL; case does not count.
 */
const reserved = String.raw`(example\.(com|net|org)|example|test|invalid|localhost)$`;

const reservedDomain = new RegExp(String.raw`(^|\.)${reserved}`, 'i');
export const isReserved = (domain: string): boolean => reservedDomain.test(domain);

/** Of an address in such a domain, for PostgreSQL's `~*`. */
export const reservedAddress = String.raw`@([^@]*\.)?${reserved}`;
