import { z } from 'zod';
import { settingChangesSchema } from '../../../shared/contracts/settings.ts';
import { templateParts } from '../../../shared/http/creation-config.ts';
import { templateName } from '../../../shared/http/fields.ts';

/** A template as the file has it: its parts side by side. The source documents write `role` for `user_role`. */
const fileTemplate = templateParts
  .extend({ description: z.string().max(500).default(''), role: templateParts.shape.user_role })
  .check(({ value, issues }) => {
    if (value.role === undefined || value.user_role === undefined) return;
    const message = 'is the same as user_role: keep one of them';
    issues.push({ code: 'custom', path: ['role'], message, input: value });
  })
  .transform(({ description, role, ...config }) => ({
    description,
    config: role === undefined ? config : { ...config, user_role: role },
  }));

/** The file that `MUSTER_CONFIG` names, in the shape of the source documents. */
export const configFileSchema = z.strictObject({
  /** Any setting: `shared/contracts/settings.ts`. */
  bulk_user_management: settingChangesSchema.default({}),
  user_creation_templates: z.record(templateName, fileTemplate).default({}),
});
export type ConfigFile = z.output<typeof configFileSchema>;
