/** The migrated databases that each test file gets a copy of. */
export const templates = { platform: 'template_platform', application: 'template_application' } as const;

/** Of the role `muster_test_data`, on every server of the tests. */
export const testDataPassword = 'test-data';

/** The schema of the queue in the platform's template: the `prefix` of the Postgres backend. */
export const queueSchema = 'muster';
