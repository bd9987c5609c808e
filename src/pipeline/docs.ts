import express, { type Router } from 'express';
import swaggerUi from 'swagger-ui-express';
import { type OpenApiDocument, publishedDocument } from './document.ts';
import { docsPolicy } from './security-headers.ts';

/** The only files of swagger-ui-dist that are served: its own page shows the document of another host. */
const servedFiles =
  /^\/(swagger-ui\.css|swagger-ui-bundle\.js|swagger-ui-standalone-preset\.js|swagger-ui-init\.js|favicon-(16x16|32x32)\.png)$/;

/** The member of the page's document that holds `curlOptions`. */
const curlCredentials = 'x-curl-credentials';

/**
 * Returns the routes `docs` (Swagger UI, with every file from this service) and `spec.json` (the document).
 * `curlOptions` are the options, quoted for a shell, with which the curl commands on the page sign in.
 */
export function docsRoutes(document: OpenApiDocument, curlOptions: string): Router {
  const router = express.Router({ caseSensitive: true, strict: true });
  const options = {
    customSiteTitle: 'Notebook Sessions: API',
    // Relative, so that it works below a gateway's path. A validator would run on another host.
    swaggerOptions: { url: 'document.json', validatorUrl: null, tryItOutEnabled: true, requestInterceptor },
  };
  const [init, assets] = swaggerUi.serveFiles(undefined, options);
  const page = swaggerUi.setup(undefined, options);
  if (!init || !assets) throw new Error('swagger-ui-express serves no files');

  const published = JSON.stringify(publishedDocument(document));
  // The page's API is relative to the document, whatever path a gateway puts before both.
  const servers = [{ url: '..', description: 'This service, at the address of this page.' }];
  const pageDocument = JSON.stringify({ ...document, servers, [curlCredentials]: curlOptions });
  router.get('/spec.json', (_req, res) => {
    res.type('json').send(published);
  });
  router.get('/docs', (_req, res) => void res.status(308).location('docs/').end());
  router.get('/docs/document.json', (_req, res) => {
    res.type('json').send(pageDocument);
  });
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

/** A request that Swagger UI sends and shows as a curl command. */
interface PageRequest {
  url: string;
  curlOptions?: string[];
  userFetch?: (url: string, options: RequestInit) => Promise<Response>;
}

interface PageGlobal {
  location: { href: string };
  ui?: { specSelectors: { specJson(): { get(name: string): unknown } } };
}

/**
 * Runs in the page. The source text of the function is sent to the page, so the function cannot use names from outside. Adds
 * credentials to the curl command, because a terminal has no cookie of the browser. Ends a stream after three seconds: Swagger
 * UI shows a response when it is complete, and a stream lasts as long as its session.
 */
function requestInterceptor(request: PageRequest): PageRequest {
  const { ui, location }: typeof globalThis & Partial<PageGlobal> = globalThis;
  const credentials = ui?.specSelectors.specJson().get('x-curl-credentials');
  if (typeof credentials === 'string' && credentials !== '') request.curlOptions = [credentials];
  if (new URL(request.url, location?.href).searchParams.get('follow') !== 'true') return request;
  request.userFetch = async (url, options) => {
    const response = await fetch(url, options);
    if (!response.body || !response.headers.get('content-type')?.startsWith('text/event-stream')) return response;
    const reader = response.body.getReader();
    const timer = setTimeout(() => void reader.cancel(), 3_000);
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(next.value);
    clearTimeout(timer);
    return new Response(new Blob(chunks), { status: response.status, headers: response.headers });
  };
  return request;
}
