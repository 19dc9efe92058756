import { problemOf, testApi } from '../../../test/fixtures/api.ts';
import { testDatabases } from '../../../test/fixtures/database.ts';

const api = testApi(testDatabases());

it('names the methods that a path allows', async () => {
  const response = await api.call('PATCH', '/api/api-keys');
  expect(response.status).toBe(405);
  expect(response.headers.get('allow')).toBe('GET, POST, HEAD, OPTIONS');
  expect((await problemOf(response)).code).toBe('method_not_allowed');
});

it.each([
  ['PUT', '/login', 'GET, POST, HEAD, OPTIONS'],
  ['DELETE', '/logout', 'GET, POST, HEAD, OPTIONS'],
  ['POST', '/', 'GET, HEAD, OPTIONS'],
  ['POST', '/dashboard', 'GET, HEAD, OPTIONS'],
  ['PUT', '/dashboard/assets/app.js', 'GET, HEAD, OPTIONS'],
  ['DELETE', '/dashboard/assets/uplot/uPlot.min.css', 'GET, HEAD, OPTIONS'],
  ['POST', '/assets/pages/pages.css', 'GET, HEAD, OPTIONS'],
  ['POST', '/api/docs', 'GET, HEAD, OPTIONS'],
  ['POST', '/api/docs/', 'GET, HEAD, OPTIONS'],
  ['PUT', '/api/docs/swagger-ui/swagger-ui.css', 'GET, HEAD, OPTIONS'],
  ['POST', '/admin/queues', 'GET, HEAD, OPTIONS'],
  ['DELETE', '/admin/queues/api/queues', 'GET, HEAD, OPTIONS'],
  ['PATCH', '/admin/bulk-users', 'GET, HEAD, OPTIONS'],
])('refuses %s %s, as every path does a method that it does not have', async (method, path, allowed) => {
  const response = await api.call(method, path);
  expect([response.status, response.headers.get('allow')]).toEqual([405, allowed]);
  expect((await problemOf(response)).code).toBe('method_not_allowed');
  const asked = await api.call('OPTIONS', path);
  expect([asked.status, asked.headers.get('allow'), await asked.text()]).toEqual([204, allowed, '']);
});
