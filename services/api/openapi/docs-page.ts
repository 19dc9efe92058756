import { fileURLToPath } from 'node:url';
import express, { Router } from 'express';
import swaggerUiPath from 'swagger-ui-dist/absolute-path.js';
import { securityHeadersWithInlineStyles } from '../middleware/security-headers.ts';

const ours = fileURLToPath(new URL('docs-page/', import.meta.url));

/** Swagger UI from this host alone: nothing is loaded from elsewhere. Mounted on `/api/docs`. */
export function docsPage(): Router {
  const router = Router();
  router.use(securityHeadersWithInlineStyles());
  router.use(express.static(ours));
  router.use('/swagger-ui', express.static(swaggerUiPath(), { index: false, maxAge: '1d' }));
  return router;
}
