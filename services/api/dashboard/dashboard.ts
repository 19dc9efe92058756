import { fileURLToPath } from 'node:url';
import { type RequestHandler, Router } from 'express';
import { requireActor } from '../middleware/identify.ts';
import { staticFiles } from '../middleware/methods.ts';
import { dashboardPage } from './page.ts';

export const dashboardPath = '/dashboard';

const ours = fileURLToPath(new URL('assets/', import.meta.url));
/** What a browser imports of the libraries; Node itself is led to another build of each. */
const libraries = {
  uplot: new URL('./', import.meta.resolve('uplot')),
  'lit-html': new URL('../', import.meta.resolve('lit-html')),
};

/**
 * What goes on, in a browser, behind the login. The page reads and writes over the same API as every other client; it has
 * the buttons that the role of its reader may press.
 */
export function dashboard(guards: readonly RequestHandler[]): Router {
  const router = Router();
  for (const [name, folder] of Object.entries(libraries))
    router.use(`/assets/${name}`, staticFiles(fileURLToPath(folder), { index: false, maxAge: '1d' }));
  router.use('/assets', staticFiles(ours, { index: false }));
  router.get('/', ...guards, (request, response) => {
    const actor = requireActor(request, 'viewer');
    response.set('Cache-Control', 'no-store').type('html').send(dashboardPage(actor));
  });
  return router;
}
