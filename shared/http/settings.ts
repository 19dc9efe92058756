import { z } from 'zod';
import { settingChangesSchema, settingsSchema } from '../contracts/settings.ts';
import { timestamp } from './fields.ts';
import { defineOperation } from './operation.ts';
import { pageOf, pageQuery } from './pagination.ts';

const tag = 'Settings';

const settings = settingsSchema.meta({ id: 'Settings' });

export const getSettingsOperation = defineOperation({
  id: 'getSettings',
  method: 'get',
  path: '/api/settings',
  role: 'viewer',
  tag,
  summary: 'The settings in force',
  responses: { 200: { description: 'All of them', schema: settings } },
});

export const changeSettingsOperation = defineOperation({
  id: 'changeSettings',
  method: 'put',
  path: '/api/settings',
  role: 'admin',
  tag,
  summary: 'Change settings',
  description:
    'What is left out stays as it is; one fault and nothing is changed. A change holds for the next request, job or ' +
    'chunk, without a restart. `accepting_jobs: false` drains: once this is answered no new work comes in.',
  body: settingChangesSchema,
  responses: { 200: { description: 'All settings, as they are now', schema: settings } },
});

export const listSettingsHistoryOperation = defineOperation({
  id: 'listSettingsHistory',
  method: 'get',
  path: '/api/settings/history',
  role: 'viewer',
  tag,
  summary: 'Who changed which setting when, newest first',
  query: z.strictObject({
    ...pageQuery,
    name: z.enum(settingsSchema.keyof().options).optional().describe('Of one setting only'),
  }),
  responses: {
    200: {
      description: 'A page of changes',
      schema: pageOf(
        z
          .object({
            name: z.string(),
            from: z.unknown(),
            to: z.unknown(),
            changed_by: z.string(),
            changed_at: timestamp,
          })
          .meta({ id: 'SettingChange' }),
      ),
    },
  },
});
