import {
  type ImportFault,
  type TransferredUser,
  transferredUser,
} from '../../../../../shared/http/accounts.ts';
import { faultsOf } from '../../../../../shared/http/faults.ts';
import { findUnstorable } from '../../../../../shared/http/unstorable.ts';
import type { Fault } from '../../../../../shared/kernel/errors.ts';
import { withPlainFields } from '../../../../../shared/kernel/json-as-written.ts';
import type { JsonRow } from '../../../../../shared/platform/json-rows.ts';
import type { SeenUsernames } from './seen-usernames.ts';

export type Checked = { user: TransferredUser } | { fault: ImportFault };

/** A row of an import as a user, or why it is none. Of two users with one name the first is taken. */
export function checkUser({ index, value, fault }: JsonRow, seen: SeenUsernames): Checked {
  if (fault !== undefined) return { fault: faultAt(index, value, invalidLine(fault)) };
  const [unstorable] = findUnstorable(value);
  if (unstorable !== undefined) return { fault: faultAt(index, value, unstorable) };
  const parsed = transferredUser.safeParse(withPlainFields(value));
  if (!parsed.success) {
    const [first] = faultsOf(parsed.error, value);
    return { fault: faultAt(index, value, first ?? notAUser) };
  }
  if (seen.add(parsed.data.username)) return { user: parsed.data };
  return { fault: faultAt(index, value, duplicate) };
}

const invalidLine = (reason: string): Fault => ({
  pointer: '',
  code: 'invalid_json',
  detail: `is not valid JSON: ${reason}`,
});
const notAUser: Fault = { pointer: '', code: 'invalid', detail: 'is not a user' };
const duplicate: Fault = {
  pointer: '/username',
  code: 'duplicate_username',
  detail: 'came earlier in this import, and the first is the one that counts',
};

const maxShownLength = 255;

function faultAt(index: number, value: unknown, { pointer, code, detail }: Fault): ImportFault {
  const username: unknown =
    typeof value === 'object' && value !== null && 'username' in value ? value.username : undefined;
  return {
    kind: 'format',
    message: `${pointer || 'the user'} ${detail}`,
    index,
    ...(typeof username === 'string' && { username: username.toWellFormed().slice(0, maxShownLength) }),
    code,
    pointer,
  };
}
