import {
  type CreationConfig,
  faultsOfCreation,
  settleConfig,
} from '../../../../shared/http/creation-config.ts';
import type { Fault } from '../../../../shared/kernel/errors.ts';
import type { Vault } from '../../../../shared/platform/crypto.ts';
import type { Executor } from '../../../../shared/platform/postgres/db.ts';
import type { UserTable } from '../../../../shared/store/users/user-table.ts';
import { readUserWidths } from '../../../../shared/store/users/user-table-columns.ts';
import { type Ceilings, settingsInForce } from '../../settings-in-force.ts';
import { faultsOfDirectory } from './directory-faults.ts';
import type { SentConfig } from './sent-config.ts';
import { findTemplate, partsOf } from './templates.ts';
import { faultsOfWidths } from './width-faults.ts';

export interface WholeDeps {
  /** The application's database. */
  applicationDb: Executor;
  /** Where the application keeps its users. */
  users: UserTable;
  vault: Vault;
  ceilings: Ceilings;
}

/** The configuration that parts and their template make, and what is wrong with it, each part being right by itself. */
export async function settleWhole(
  { applicationDb, users, vault, ceilings }: WholeDeps,
  db: Executor,
  { count = 1, template: name, parts, base }: Omit<SentConfig, 'faults'>,
) {
  const [template, settings, widths] = await Promise.all([
    findTemplate(db, name),
    settingsInForce(db, ceilings),
    readUserWidths(applicationDb, users),
  ]);
  const config: CreationConfig = settleConfig(parts, template === undefined ? {} : partsOf(template, vault));
  const faults: Fault[] = [
    ...(template === undefined ? [unknownTemplate(name)] : []),
    ...faultsOfCreation({ count, config, maxUsers: settings.max_bulk_users }, base),
    ...faultsOfDirectory(users, config, base),
    ...faultsOfWidths(widths, { count, config }, base),
  ];
  return { config, settings, faults };
}

const unknownTemplate = (name: string): Fault => ({
  pointer: '/template',
  code: 'unknown_template',
  detail: `is not known: ${name}`,
});
