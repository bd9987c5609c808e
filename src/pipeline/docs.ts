import express, { type Router } from 'express';
import swaggerUi from 'swagger-ui-express';
import type { OpenApiDocument } from './document.ts';
import { docsPolicy } from './security-headers.ts';

/** Of swagger-ui-dist only these: it has a page of its own that shows another host's document. */
const servedFiles =
  /^\/(swagger-ui\.css|swagger-ui-bundle\.js|swagger-ui-standalone-preset\.js|swagger-ui-init\.js|favicon-(16x16|32x32)\.png)$/;

/** `docs`: Swagger UI of our own document, with nothing from another host; `spec.json`: the document. */
export function docsRoutes(document: OpenApiDocument): Router {
  const router = express.Router({ caseSensitive: true, strict: true });
  const options = {
    customSiteTitle: 'Notebook Sessions: API',
    // Relative, so that it is right behind a gateway's path, too. A validator would be asked on another host.
    swaggerOptions: { url: '../spec.json', validatorUrl: null, tryItOutEnabled: true },
  };
  const [init, assets] = swaggerUi.serveFiles(undefined, options);
  const page = swaggerUi.setup(undefined, options);
  if (!init || !assets) throw new Error('swagger-ui-express serves no files');

  const text = JSON.stringify(document);
  router.get('/spec.json', (_req, res) => {
    res.type('json').send(text);
  });
  router.get('/docs', (_req, res) => void res.status(308).location('docs/').end());
  router.use('/docs', (req, res, next) => {
    if (req.method !== 'GET' && req.method !== 'HEAD') return next();
    res.set('Content-Security-Policy', docsPolicy);
    if (req.path === '/') return page(req, res, next);
    if (!servedFiles.test(req.path)) return next();
    res.set('Cache-Control', 'no-cache');
    init(req, res, (error?: unknown) => (error === undefined ? assets(req, res, next) : next(error)));
  });
  return router;
}
