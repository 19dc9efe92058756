import { fileURLToPath } from 'node:url';
import { Router } from 'express';
import swaggerUiPath from 'swagger-ui-dist/absolute-path.js';
import { staticFiles } from '../middleware/methods.ts';
import { securityHeadersWithInlineStyles } from '../middleware/security-headers.ts';

const ours = fileURLToPath(new URL('docs-page/', import.meta.url));

/** Swagger UI from this host alone: nothing is loaded from elsewhere. Mounted on `/api/docs`. */
export function docsPage(): Router {
  const router = Router();
  router.use(securityHeadersWithInlineStyles());
  router.use(staticFiles(ours));
  router.use('/swagger-ui', staticFiles(swaggerUiPath(), { index: false, maxAge: '1d' }));
  return router;
}
