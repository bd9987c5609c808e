import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApp, type TestApp } from '../../tests/support/app.ts';
import { testRoutes } from '../../tests/support/routes.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ routes: [testRoutes()], parts: { curlOptions: '-b cookies.txt' } });
});
afterAll(() => app[Symbol.asyncDispose]());

const get = (path: string, headers: Record<string, string> = {}) => app.send({ path: `/notebooks${path}`, headers });

describe('the documentation', () => {
  it('is this document with the prefix, and a page that loads the document from this service', async () => {
    const spec = (await get('/spec.json')).json();
    expect(spec).toMatchObject({
      openapi: '3.0.3',
      servers: [{ url: '/api' }, { url: '/ui-server/api' }, { url: '/' }],
    });
    expect(Object.keys(spec['paths'] as object)).toContain('/notebooks/servers/{server_name}');

    const redirect = await get('/docs');
    expect(redirect.status).toBe(308);
    expect(redirect.headers.location).toBe('docs/');
    const page = (await get('/docs/')).text;
    const files = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] as string);
    expect(files).toContain('./swagger-ui-bundle.js');
    for (const file of files) {
      expect(file).toMatch(/^\.\//);
      const response = await get(`/docs/${file.slice(2)}`);
      expect(response.status, file).toBe(200);
    }
    const init = (await get('/docs/swagger-ui-init.js')).text;
    expect(init).toContain('"url": "document.json"');
    const ofPage = (await get('/docs/document.json')).json();
    expect(ofPage).toMatchObject({ servers: [{ url: '..' }], 'x-curl-credentials': '-b cookies.txt' });
    expect(Object.keys(ofPage['paths'] as object)).toContain('/servers/{server_name}');
    expect(init).toContain('"validatorUrl": null');
  });

  it('serves no other files', async () => {
    for (const path of [
      'index.html',
      'package.json',
      'swagger-initializer.js',
      '../package.json',
      '..%2f..%2fpackage.json',
      'x',
    ]) {
      expect((await get(`/docs/${path}`)).status, path).toBe(404);
    }
    expect((await app.send({ method: 'POST', path: '/notebooks/docs/' })).status).toBe(404);
  });
});
