/** The migrated databases that each test file gets a copy of. */
export const templates = { platform: 'template_platform', application: 'template_application' } as const;

/** The schema of the queue in the platform's template: the `prefix` of the Postgres backend. */
export const queueSchema = 'muster';
