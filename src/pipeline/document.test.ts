import express, { type Response } from 'express';
import * as OpenApiValidator from 'express-openapi-validator';
import { describe, expect, it } from 'vitest';
import { startApp } from '../../tests/support/app.ts';
import {
  loadDocument,
  methods,
  type OpenApiDocument,
  type OperationObject,
  publishedDocument,
  resolve,
} from './document.ts';

const document = loadDocument('/notebooks');

interface Example {
  path: string;
  method: string;
  operation: OperationObject;
  status: number;
  name: string;
  value: unknown;
}

type Examples = Record<string, { $ref?: string; value?: unknown }>;

/** Yields every JSON example of every response. The status 418 is used for `default`. */
function* responseExamples(from: OpenApiDocument): Generator<Example> {
  for (const [path, item] of Object.entries(from.paths)) {
    for (const method of methods) {
      const operation = item[method];
      for (const [status, response] of Object.entries(operation?.responses ?? {})) {
        const { content = {} } = resolve(from, response);
        const examples = (content['application/json'] as { examples?: Examples } | undefined)?.examples ?? {};
        for (const [name, example] of Object.entries(examples)) {
          const value = resolve(from, example).value;
          if (operation)
            yield { path, method, operation, status: status === 'default' ? 418 : Number(status), name, value };
        }
      }
    }
  }
}

/** Returns the path with values for its parameters. */
const withValues = (path: string): string =>
  path.replace('{snapshot_id}', '20261120T100000-1f0a7f0e').replaceAll(/\{[^}]+\}/g, 'x');

/** Returns the JSON examples of the body of a request. */
function requestExamples(operation: OperationObject | undefined): { value?: unknown }[] {
  const content = operation?.requestBody?.content['application/json'] as { examples?: Examples } | undefined;
  return Object.values(content?.examples ?? {});
}

describe('openapi.yaml', () => {
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    methods.flatMap((method) => (item[method] ? [{ path, method, operation: item[method] as OperationObject }] : [])),
  );

  it.each(operations)('has an example for each response of $method $path that has a body', ({ operation }) => {
    for (const [status, response] of Object.entries(operation.responses)) {
      for (const [type, content] of Object.entries(resolve(document, response).content ?? {})) {
        expect(
          Object.keys(content).some((key) => key.startsWith('example')),
          `${status} ${type}`,
        ).toBe(true);
      }
    }
    expect(operation.operationId).toMatch(/^[a-z][A-Za-z]+$/);
  });

  it('is a valid OpenAPI 3.0 document, which the service does not check at its start', async () => {
    const validate = (apiSpec: object) => {
      const [load] = OpenApiValidator.middleware({ apiSpec: apiSpec as never, validateApiSpec: true });
      return new Promise((resolve) => void load?.({ app: express() } as never, {} as never, resolve));
    };
    const paths = Object.fromEntries(Object.entries(document.paths).filter(([, item]) => !item.servers));
    expect(await validate(structuredClone({ ...document, paths }))).toBeUndefined();
    expect(await validate(structuredClone({ ...document, paths, info: {} }))).toBeInstanceOf(Error);
  });

  it('has a unique id for each operation', () => {
    const names = operations.map(({ operation }) => operation.operationId);
    expect(new Set(names).size).toBe(names.length);
  });

  it('has response examples that match their schemas', async () => {
    const examples = [...responseExamples(document)].filter(
      ({ path }) => !['/spec.json', '/docs', '/version'].includes(path),
    );
    expect(examples.length).toBeGreaterThan(40);
    let current: Example | undefined;
    const router = express.Router();
    const sendExample = (res: Response) => void res.status(current?.status ?? 500).json(current?.value);
    router.use((_req, res) => sendExample(res));
    await using app = await startApp({ routes: [router] });
    for (current of examples) {
      if (document.paths[current.path]?.servers) continue;
      const [request] = requestExamples(current.operation);
      const body = request && JSON.stringify(request.value);
      const got = await app.send({
        method: current.method.toUpperCase(),
        path: `/notebooks${withValues(current.path)}?image_url=x`,
        headers: { ...(body ? { 'content-type': 'application/json' } : {}) },
        ...(body ? { body } : {}),
      });
      const where = `${current.method} ${current.path} ${current.status} ${current.name}`;
      expect([got.status, got.text], where).toEqual([current.status, JSON.stringify(current.value)]);
    }
  });

  it('has request examples that match their schemas', async () => {
    const router = express.Router();
    router.use((_req, res) =>
      res.status(418).json({ error: { message: 'came through', detail: null, code: 1, requestId: '' } }),
    );
    await using app = await startApp({ routes: [router] });
    const sent: string[] = [];
    for (const { method, path, operation } of operations) {
      for (const { value } of requestExamples(operation)) {
        const response = await app.send({
          method: method.toUpperCase(),
          path: `/notebooks${withValues(path)}`,
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(value),
        });
        expect(response.status, `${method} ${path}: ${response.text}`).toBe(418);
        sent.push(`${method} ${path}`);
      }
    }
    expect(sent.filter((each) => each === 'post /servers').length).toBeGreaterThan(1);
  });

  it('contains only the prefix for which it is loaded', () => {
    const serversOf = (prefix: string) => loadDocument(prefix).servers.map(({ url }) => url);
    expect(serversOf('')).toEqual(['/', '/api', '/ui-server/api']);
    expect(serversOf('/elsewhere')).toEqual(['/elsewhere', '/api/elsewhere', '/ui-server/api/elsewhere']);
  });

  it.each(['', '/notebooks', '/other/prefix'])(
    'is published in the form of the original: with %j in its paths, and the servers of a platform’s gateway',
    (prefix) => {
      const { servers, paths } = publishedDocument(loadDocument(prefix));
      expect(servers.map(({ url }) => url)).toEqual(['/api', '/ui-server/api', '/']);
      expect(Object.keys(paths)).toEqual(
        expect.arrayContaining(['/health', '/ready', `${prefix}/servers`, `${prefix}/logs/{server_name}`]),
      );
    },
  );

  it('has no example of an optional parameter, because documentation pages would send it', () => {
    for (const { path, method, operation } of operations) {
      const shared = document.paths[path]?.parameters ?? [];
      for (const parameter of [...shared, ...(operation.parameters ?? [])].map((each) => resolve(document, each))) {
        if ('required' in parameter && parameter.required === true) continue;
        const { schema = {} } = parameter;
        const named = [...Object.keys(parameter), ...Object.keys(schema)].filter((key) => key.startsWith('example'));
        expect(named, `${method} ${path} ${parameter.name}`).toEqual([]);
        expect(parameter, `${method} ${path} ${parameter.name}`).toHaveProperty('x-example');
      }
    }
  });
});
