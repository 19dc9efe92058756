import { exportDocument } from '../../../../../shared/http/accounts.ts';
import { checkInput } from '../../../../../shared/http/check-input.ts';
import { withPlainFields } from '../../../../../shared/kernel/json-as-written.ts';
import type { Beside } from '../../../../../shared/platform/json-rows.ts';

const schema = exportDocument.omit({ users: true });

/** What an export document says of itself, which may stand before its users or after them. */
export const header: Beside = {
  fields: Object.keys(schema.shape),
  judge: found => checkInput(schema, withPlainFields(found)).faults,
};
