import { keyedDigest, type Vault } from '../../../shared/platform/crypto.ts';
import type { Logger } from '../../../shared/platform/log.ts';
import type { Db } from '../../../shared/platform/postgres/db.ts';
import { recordDeed } from '../../../shared/store/access/audit-log.ts';
import { noteValue } from '../../../shared/store/installation.ts';
import { changeSettings } from '../../../shared/store/settings.ts';
import { putTemplates } from '../../../shared/store/users/user-templates.ts';
import type { ConfigFile } from './schema.ts';

/** Who changed a setting, as history and audit log name it. */
const actor = 'config file';

export interface ApplyDeps {
  db: Db;
  vault: Vault;
  encryptionKey: string;
  logger: Logger;
}

/**
 * Puts a config file in force, unless this very content was applied before: what people changed since then stands until
 * the file itself changes. One transaction: of several processes that start at once, one applies it.
 */
export async function applyConfigFile(deps: ApplyDeps, file: ConfigFile): Promise<void> {
  const digest = keyedDigest(deps.encryptionKey, JSON.stringify(file));
  const templates = Object.entries(file.user_creation_templates);
  const applied = await deps.db.transaction(async tx => {
    if (!(await noteValue(tx, 'config_file', digest))) return undefined;
    const settings = await changeSettings(tx, file.bulk_user_management, actor);
    await putTemplates(
      tx,
      templates.map(
        ([
          name,
          {
            description,
            config: { password, ...config },
          },
        ]) => {
          const sealedPassword = password === undefined ? null : deps.vault.seal(password);
          return { name, description, config, sealedPassword, updatedBy: actor };
        },
      ),
    );
    await recordDeed(
      tx,
      ...settings.map(({ name, ...detail }) => ({ actor, action: 'settings.change', subject: name, detail })),
      ...templates.map(([name]) => ({ actor, action: 'templates.replace', subject: name })),
    );
    return { settings: settings.map(({ name }) => name), templates: templates.map(([name]) => name) };
  });
  if (applied !== undefined) deps.logger.info(applied, 'the config file is in force');
}
