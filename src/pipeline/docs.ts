import express, { type Router } from 'express';
import swaggerUi from 'swagger-ui-express';
import { type OpenApiDocument, publishedDocument } from './document.ts';
import { docsPolicy } from './security-headers.ts';

/** Of swagger-ui-dist only these: it has a page of its own that shows another host's document. */
const servedFiles =
  /^\/(swagger-ui\.css|swagger-ui-bundle\.js|swagger-ui-standalone-preset\.js|swagger-ui-init\.js|favicon-(16x16|32x32)\.png)$/;

/** The extension of the page's document with what the page's `curl` commands sign in with. */
const curlCredentials = 'x-curl-credentials';

/**
 * `docs`: Swagger UI, with nothing from another host; `spec.json`: the document. `curlOptions` are options of curl that
 * sign in, as a shell reads them.
 */
export function docsRoutes(document: OpenApiDocument, curlOptions: string): Router {
  const router = express.Router({ caseSensitive: true, strict: true });
  const options = {
    customSiteTitle: 'Notebook Sessions: API',
    // Relative, so that it is right behind a gateway's path, too. A validator would be asked on another host.
    swaggerOptions: { url: 'document.json', validatorUrl: null, tryItOutEnabled: true, requestInterceptor },
  };
  const [init, assets] = swaggerUi.serveFiles(undefined, options);
  const page = swaggerUi.setup(undefined, options);
  if (!init || !assets) throw new Error('swagger-ui-express serves no files');

  const published = JSON.stringify(publishedDocument(document));
  // The API is where the page is, whatever stands before it: a server is found by its place relative to the document.
  const servers = [{ url: '..', description: 'This service, as you have reached it.' }];
  const ofPage = JSON.stringify({ ...document, servers, [curlCredentials]: curlOptions });
  router.get('/spec.json', (_req, res) => {
    res.type('json').send(published);
  });
  router.get('/docs', (_req, res) => void res.status(308).location('docs/').end());
  router.get('/docs/document.json', (_req, res) => {
    res.type('json').send(ofPage);
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

/** What Swagger UI is about to send, and shows as a `curl` command. */
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
 * Runs in the page, which is sent its source text: it can refer to nothing outside of itself. Adds credentials to the
 * `curl` command, whose reader has no cookie of the browser's. Of a stream it shows what comes within three seconds:
 * Swagger UI shows an answer when it ends, and a stream ends with its session.
 */
function requestInterceptor(request: PageRequest): PageRequest {
  const { ui, location } = globalThis as unknown as PageGlobal;
  const credentials = ui?.specSelectors.specJson().get('x-curl-credentials');
  if (typeof credentials === 'string' && credentials !== '') request.curlOptions = [credentials];
  if (new URL(request.url, location.href).searchParams.get('follow') !== 'true') return request;
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
