import { addressOf, expand } from '../../../../shared/contracts/username-pattern.ts';
import type { CreationConfig } from '../../../../shared/http/creation-config.ts';
import type { Fault } from '../../../../shared/kernel/errors.ts';
import type { UserWidths } from '../../../../shared/store/users/user-table-columns.ts';

/** A value that goes into a column, the widest of all users, and the part of the configuration that makes it. */
interface Widest {
  field: 'username' | 'email' | 'role';
  part: keyof CreationConfig;
  what: string;
  value: string;
}

/** What of a configuration the application's columns are too narrow for: of so many users the last has the widest name. */
export function faultsOfWidths(
  widths: UserWidths,
  { count, config }: { count: number; config: CreationConfig },
  base = '/config',
): Fault[] {
  return widestOf(config, count).flatMap(({ field, part, what, value }) => {
    const bound = widths[field];
    const length = charactersOf(value);
    if (bound === undefined || length <= bound.width) return [];
    const detail = `gives ${what} of up to ${length} characters, ${value}, and the column "${bound.column}" holds ${bound.width}`;
    return [{ pointer: `${base}/${part}`, code: 'too_long', detail }];
  });
}

function widestOf(config: CreationConfig, count: number): Widest[] {
  const username = expand(config.username_pattern, count);
  const email = addressOf(config, username);
  return [
    { field: 'username', part: 'username_pattern', what: 'names', value: username },
    { field: 'email', part: 'username_pattern', what: 'addresses', value: email },
    { field: 'role', part: 'user_role', what: 'a role', value: config.user_role },
  ];
}

/** PostgreSQL counts characters, where JavaScript counts two for one beyond the basic plane. */
const charactersOf = (text: string): number => [...text].length;
