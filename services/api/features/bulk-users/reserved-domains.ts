import type { CreationConfig } from '../../../../shared/http/creation-config.ts';

/** RFC 2606 and RFC 6761: nobody can own them, so that no mail to a test user ever reaches a person. */
const reserved = /(^|\.)(example\.(com|net|org)|example|test|invalid|localhost)$/i;

export const isReserved = (domain: string): boolean => reserved.test(domain);

/** The domain of the users' addresses, with `{id}` where the pattern has it there. */
export function addressDomain({
  username_pattern: pattern,
  email_domain,
}: Pick<CreationConfig, 'username_pattern' | 'email_domain'>): string {
  const at = pattern.lastIndexOf('@');
  return at < 0 ? email_domain : pattern.slice(at + 1);
}
