import { testDatabases } from '../../../test/fixtures/database.ts';
import { testDataPassword } from '../../../test/servers/templates.ts';
import { openTestDataRole, testDataUrl } from './test-data-role.ts';

const databases = testDatabases();

describe('the role for test data', () => {
  it('is left alone where it can log in, also by many at once', async () => {
    const { applicationUrl, testDataUrl: url } = databases;
    const calls = Array.from({ length: 4 }, () => openTestDataRole(applicationUrl, url));
    await expect(Promise.all(calls)).resolves.toHaveLength(4);
  });

  it('is not opened by somebody who may not, who is told what to do', async () => {
    const url = testDataUrl(databases.applicationUrl, `not-${testDataPassword}`);
    await expect(openTestDataRole(databases.testDataUrl, url)).rejects.toMatchObject({
      code: 'validation_failed',
      hint: expect.stringContaining('alter role muster_test_data login password'),
    });
  });

  it('is the only one that is taken', async () => {
    const { applicationUrl } = databases;
    await expect(openTestDataRole(applicationUrl, applicationUrl)).rejects.toThrow(
      'TEST_DATA_DATABASE_URL does not log in as muster_test_data',
    );
  });

  it('has its name and password in its address, whatever is in them', () => {
    expect(testDataUrl('postgres://owner:secret@host:1/app?ssl=true', 'a/b@c')).toBe(
      'postgres://muster_test_data:a%2Fb%40c@host:1/app?ssl=true',
    );
  });
});
