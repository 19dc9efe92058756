import type { CreationConfig } from '../../../../shared/http/creation-config.ts';

/** The domain of the users' addresses, with `{id}` where the pattern has it there. */
export function addressDomain({
  username_pattern: pattern,
  email_domain,
}: Pick<CreationConfig, 'username_pattern' | 'email_domain'>): string {
  const at = pattern.lastIndexOf('@');
  return at < 0 ? email_domain : pattern.slice(at + 1);
}
