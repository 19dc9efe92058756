import { pageOf } from '../../../../shared/http/pagination.ts';
import { template } from '../../../../shared/http/user-templates.ts';
import { newId } from '../../../../shared/kernel/ids.ts';
import { findBatch } from '../../../../shared/store/bulk-users/bulk-batches.ts';
import { bodyOf, problemOf, testApi } from '../../../../test/fixtures/api.ts';
import { testDatabases } from '../../../../test/fixtures/database.ts';
import { testJobs } from '../../../../test/fixtures/jobs.ts';
import { testVault } from '../../../../test/fixtures/vault.ts';

const databases = testDatabases();
const api = testApi(databases);
const { submit } = testJobs(api);
const templates = '/api/bulk-users/config/templates';

/** Submits a batch; gives what is kept of it. */
async function batchOf(body: { template?: string; config?: object }) {
  const test_batch_id = newId();
  await submit('POST', '/api/bulk-users/create', {
    count: 1,
    ...body,
    config: { ...body.config, test_batch_id },
  });
  const found = await findBatch(databases.platform.db, test_batch_id);
  return { config: found?.batch.config, password: testVault.open(found?.batch.sealedPassword ?? '') };
}

describe('templates of bulk creation', () => {
  it('has default and admin built in', async () => {
    const page = await (await api.call('GET', templates)).json();
    expect(page).toMatchObject({
      items: [
        {
          name: 'admin',
          built_in: true,
          overridden: false,
          has_password: true,
          config: { user_role: 'admin' },
        },
        { name: 'default', built_in: true, config: { username_pattern: 'testuser_{id}@example.com' } },
      ],
      next_cursor: null,
    });
    expect(JSON.stringify(page)).not.toContain('Pass123');
    const { config, password } = await batchOf({ template: 'admin', config: { user_role: 'boss' } });
    expect(config).toMatchObject({ username_pattern: 'admin_{id}@example.com', user_role: 'boss' });
    expect(password).toBe('AdminPass123!');
  });

  it('are made, listed, replaced and deleted, their passwords never shown', async () => {
    const config = {
      username_pattern: 'qa_{id}@qa.test',
      password: 'SecretPass1',
      custom_attributes: { a: 1 },
    };
    const made = await api.call('POST', templates, { json: { name: 'qa', config } });
    expect(made.headers.get('location')).toBe(`${templates}/qa`);
    const text = await made.text();
    expect(text).not.toContain('SecretPass1');
    expect(template.parse(JSON.parse(text))).toMatchObject({ built_in: false, has_password: true });
    const again = await api.call('POST', templates, { json: { name: 'qa', config } });
    expect(await problemOf(again)).toMatchObject({ status: 409, code: 'template_exists' });
    const batch = await batchOf({ template: 'qa', config: { user_role: 'tester' } });
    expect(batch).toMatchObject({
      password: 'SecretPass1',
      config: { username_pattern: 'qa_{id}@qa.test', user_role: 'tester', custom_attributes: { a: 1 } },
    });
    const [stored] = await databases.platform.sql`select config::text, sealed_password from user_templates`;
    expect(JSON.stringify(stored)).not.toContain('SecretPass1');

    const pageAt = async (query: string) =>
      bodyOf(await api.call('GET', `${templates}?limit=2${query}`), pageOf(template));
    const first = await pageAt('');
    const rest = await pageAt(`&cursor=${first.next_cursor}`);
    expect([...first.items, ...rest.items].map(({ name }) => name)).toEqual(['admin', 'default', 'qa']);
    const replaced = await api.call('PUT', `${templates}/qa`, { json: { config: { user_role: 'qa' } } });
    expect(await replaced.json()).toMatchObject({ config: { user_role: 'qa' }, has_password: false });
    expect((await api.call('DELETE', `${templates}/qa`)).status).toBe(204);
    expect((await api.call('GET', `${templates}/qa`)).status).toBe(404);
    const gone = await api.call('POST', '/api/bulk-users/create', { json: { count: 1, template: 'qa' } });
    expect((await problemOf(gone)).errors).toMatchObject([
      { pointer: '/template', code: 'unknown_template' },
    ]);
  });

  it('let a built-in one be overridden, and restore it when the override is deleted', async () => {
    const config = { username_pattern: 'mine_{id}@example.com', password: 'MinePass1' };
    const put = await api.call('PUT', `${templates}/default`, { json: { config } });
    expect(await put.json()).toMatchObject({ built_in: true, overridden: true });
    expect(await batchOf({})).toMatchObject({
      password: 'MinePass1',
      config: { username_pattern: 'mine_{id}@example.com', user_role: 'user' },
    });
    expect((await api.call('DELETE', `${templates}/default`)).status).toBe(204);
    expect(await batchOf({})).toMatchObject({ config: { username_pattern: 'testuser_{id}@example.com' } });
    expect((await api.call('DELETE', `${templates}/default`)).status).toBe(409);
  });

  it('are refused with all faults, and hold no batch id', async () => {
    const config = { username_pattern: 'user_${id}', password: 'x', test_batch_id: newId() };
    const refused = await api.call('POST', templates, { json: { name: 'No Name', config } });
    expect(
      ((await problemOf(refused)).errors ?? []).map(({ pointer, code }) => `${pointer} ${code}`).sort(),
    ).toEqual([
      '/config/password invalid_format',
      '/config/password too_small',
      '/config/test_batch_id unknown_field',
      '/config/username_pattern wrong_placeholder',
      '/name invalid_format',
    ]);
  });
});
