import type { CreationConfig } from '../../../../shared/http/creation-config.ts';
import type { Fault } from '../../../../shared/kernel/errors.ts';
import {
  type PasswordHasher,
  passwordHashers,
} from '../../../../shared/platform/passwords/password-formats.ts';
import type { UserTable } from '../../../../shared/store/users/user-table.ts';

/** What of a configuration the application's own users table, or its password format, cannot take. */
export function faultsOfDirectory({ mapping }: UserTable, config: CreationConfig, base = '/config'): Fault[] {
  const faults: Fault[] = [];
  const { maxBytes }: PasswordHasher = passwordHashers[mapping.password_format];
  if (maxBytes !== undefined && Buffer.byteLength(config.password) > maxBytes) {
    const detail = `must be at most ${maxBytes} bytes: ${mapping.password_format} leaves out the rest`;
    faults.push({ pointer: `${base}/password`, code: 'too_big', detail });
  }
  if (mapping.columns.attributes === undefined && Object.keys(config.custom_attributes).length > 0) {
    const detail = 'cannot be kept: the users table has no column for them';
    faults.push({ pointer: `${base}/custom_attributes`, code: 'not_allowed', detail });
  }
  return faults;
}
