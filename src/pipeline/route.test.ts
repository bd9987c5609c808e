import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApp, type TestApp } from '../../tests/support/app.ts';
import { createRoutes } from './route.ts';

let seen: unknown;
const routes = createRoutes();
routes.get('/logs/{server_name}', (req, res) => {
  const { max_lines, follow, container }: { max_lines?: number; follow?: boolean; container?: string } = req.query;
  const name: string = req.params.server_name;
  seen = { name, max_lines, follow, container };
  res.json({});
});
routes.get('/projects', (req, res) => {
  const { search, page }: { search?: string; page?: number } = req.query;
  seen = { search, page };
  res.json({ projects: [] });
});
routes.post('/servers/{server_name}/tokens', (req, res) => {
  const { label, expires_in }: { label?: string; expires_in?: number } = req.body;
  seen = { name: req.params.server_name, label, expires_in };
  res.status(201).json({ id: null, label: '', token: '', url: '', created: '2026-11-20T10:00:00Z', expires: null });
});

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ routes: [routes.router] });
});
afterAll(() => app[Symbol.asyncDispose]());

describe('a typed route', () => {
  it('receives query parameters as the types of the document', async () => {
    await app.send({ path: '/notebooks/logs/one?max_lines=5&follow=yes&container=git-clone' });
    expect(seen).toEqual({ name: 'one', max_lines: 5, follow: true, container: 'git-clone' });
    await app.send({ path: '/notebooks/projects?search=7&page=2' });
    expect(seen).toEqual({ search: '7', page: 2 });
  });

  it('receives the documented default of a query parameter', async () => {
    await app.send({ path: '/notebooks/logs/one' });
    expect(seen).toMatchObject({ max_lines: 250 });
  });

  it('receives the body, and an empty object where the request has none', async () => {
    const path = '/notebooks/servers/one/tokens';
    const headers = { 'content-type': 'application/json' };
    await app.send({ method: 'POST', path, headers, body: '{"label":"editor","expires_in":60}' });
    expect(seen).toEqual({ name: 'one', label: 'editor', expires_in: 60 });
    expect(await app.send({ method: 'POST', path })).toMatchObject({ status: 201 });
    expect(seen).toMatchObject({ name: 'one' });
  });

  it('accepts only documented paths, parameters, statuses and bodies when it is compiled', () => {
    const { get, post } = createRoutes();
    // @ts-expect-error: The document has no such path.
    get('/server', () => undefined);
    // @ts-expect-error: The document has no such method of this path.
    post('/version', () => undefined);
    get('/servers', (req, res) => {
      // @ts-expect-error: The operation has no such parameter.
      expect(req.query.state).toBeUndefined();
      // @ts-expect-error: The operation has no such status.
      res.status(201);
      // @ts-expect-error: The body of this status has other members.
      res.json({ sessions: {} });
    });
  });
});
