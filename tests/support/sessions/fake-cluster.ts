import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JupyterServer } from '../../../src/jupyter-server/types.ts';
import { asObject } from '../../../src/lib/json.ts';
import { applyMergePatch } from '../../../src/lib/merge-patch.ts';
import type { KubernetesObject } from '../../../src/platform/kubernetes/objects.ts';
import { kubeconfigOf } from './kubeconfig.ts';

export interface Call {
  readonly method: string;
  /** `jupyterservers`, `secrets`, `pods`, `log`. */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string | undefined;
  readonly query: URLSearchParams;
  readonly body: Record<string, unknown>;
  readonly traceparent: string | undefined;
}

/** What happens to a call instead of the usual response. */
export type Fault =
  | { readonly status: number; readonly reason: string }
  /** Executed, but without a response. */
  | 'response lost'
  /** Not executed, and without a response. */
  | 'silence';

export interface FakeCluster {
  readonly url: string;
  readonly kubeconfig: string;
  /** All calls except lists and watches. */
  readonly calls: Call[];
  /** Watches get no events. */
  isMute: boolean;
  readonly watchesBegun: number;
  fault: (call: Call) => Fault | undefined | Promise<Fault | undefined>;
  objects(resource: string): KubernetesObject[];
  put(object: JupyterServer): JupyterServer;
  putClaim(claim: KubernetesObject): void;
  /** Completes a deletion, as a garbage collector does when the session's children are gone. */
  finish(name: string): void;
  /** By `<pod>/<container>`. */
  readonly podLogs: Map<string, string>;
  close(): Promise<void>;
}

/**
 * Serves the few calls of a Kubernetes API that the service makes, over HTTP; calls can be counted and can fail. Tests of
 * a real Kubernetes API use the embedded API server or the conformance suite.
 */
export async function startFakeCluster(): Promise<FakeCluster> {
  const stored = new Map<string, KubernetesObject>();
  const watches = new Set<{ namespace: string; res: ServerResponse }>();
  let version = 1;
  let watchesBegun = 0;

  function store(resource: string, object: KubernetesObject, event: 'ADDED' | 'MODIFIED'): KubernetesObject {
    version += 1;
    const versioned = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    stored.set(key(resource, object.metadata.namespace ?? '', object.metadata.name ?? ''), versioned);
    if (resource === 'jupyterservers') notify(event, versioned);
    return versioned;
  }

  function notify(type: string, object: KubernetesObject): void {
    for (const watch of self.isMute ? [] : watches) {
      if (watch.namespace === object.metadata.namespace) watch.res.write(`${JSON.stringify({ type, object })}\n`);
    }
  }

  const server = createServer((req, res) => {
    serve(req, res).catch((error: unknown) => res.destroy(error instanceof Error ? error : new Error(String(error))));
  });

  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const call = await callOf(req);
    if (call.query.get('watch') === 'true') return watch(call, res);
    if (call.method === 'GET' && call.name === undefined) return list(call, res);
    self.calls.push(call);
    const fault = await self.fault(call);
    if (fault === 'silence') return;
    if (typeof fault === 'object') return refuse(res, fault.status, fault.reason);
    const respond = handle(call);
    if (fault !== 'response lost') respond(res);
  }

  function handle(call: Call): (res: ServerResponse) => void {
    const { method, resource, namespace, name = '' } = call;
    const found = stored.get(key(resource, namespace, name));
    if (method === 'POST') {
      const object = call.body as unknown as KubernetesObject;
      if (stored.has(key(resource, namespace, object.metadata.name ?? '')))
        return (res) => refuse(res, 409, 'AlreadyExists');
      const made = { uid: randomUUID(), creationTimestamp: new Date().toISOString().replace(/\.\d+/, ''), namespace };
      const created = store(resource, { ...object, metadata: { ...object.metadata, ...made } }, 'ADDED');
      return (res) => json(res, 201, created);
    }
    if (resource === 'log') {
      const text = self.podLogs.get(`${name}/${call.query.get('container')}`);
      if (text === undefined) return (res) => refuse(res, 400, 'BadRequest');
      const lines = text.split('\n').slice(-1 - Number(call.query.get('tailLines')));
      const limit = Number(call.query.get('limitBytes'));
      return (res) => res.end(lines.join('\n').slice(0, limit));
    }
    if (!found && !(resource === 'pods' && method === 'DELETE')) return (res) => refuse(res, 404, 'NotFound');
    if (found && !isExpected(call, found)) return (res) => refuse(res, 409, 'Conflict');
    if (method === 'DELETE' && found) {
      const dying = {
        ...found.metadata,
        deletionTimestamp: new Date().toISOString(),
        finalizers: ['foregroundDeletion'],
      };
      store(resource, { ...found, metadata: dying }, 'MODIFIED');
    }
    if (method === 'PUT' && found) {
      const put = call.body as unknown as KubernetesObject;
      const replaced = store(resource, { ...put, metadata: { ...found.metadata, ...put.metadata } }, 'MODIFIED');
      return (res) => json(res, 200, replaced);
    }
    if (method === 'PATCH' && found) {
      const patched = store(resource, applyMergePatch(found, call.body) as KubernetesObject, 'MODIFIED');
      return (res) => json(res, 200, patched);
    }
    return (res) => json(res, 200, found ?? { metadata: {} });
  }

  function list({ resource, namespace, query }: Call, res: ServerResponse): void {
    const [label, value] = (query.get('labelSelector') ?? '').split('=');
    const items = [...stored]
      .filter(([id]) => id.startsWith(`${resource}/${namespace}/`))
      .map(([, object]) => object)
      .filter(({ metadata }) => !label || metadata.labels?.[label] === value);
    json(res, 200, { metadata: { resourceVersion: String(version) }, items });
  }

  function watch({ namespace, query }: Call, res: ServerResponse): void {
    watchesBegun += 1;
    res.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    for (const [id, object] of stored) {
      const isNew = Number(object.metadata.resourceVersion) > Number(query.get('resourceVersion'));
      if (id.startsWith(`jupyterservers/${namespace}/`) && isNew)
        res.write(`${JSON.stringify({ type: 'ADDED', object })}\n`);
    }
    const entry = { namespace, res };
    watches.add(entry);
    res.on('close', () => watches.delete(entry));
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const self: FakeCluster = {
    url,
    kubeconfig: kubeconfigOf(url, 'the-service-account-token'),
    calls: [],
    isMute: false,
    get watchesBegun() {
      return watchesBegun;
    },
    fault: () => undefined,
    objects: (resource) => [...stored].filter(([id]) => id.startsWith(`${resource}/`)).map(([, object]) => object),
    put: (object) => store('jupyterservers', object, 'MODIFIED') as JupyterServer,
    putClaim: (claim) => void store('persistentvolumeclaims', claim, 'ADDED'),
    finish(name) {
      for (const [id, object] of stored) {
        if (!id.startsWith('jupyterservers/') || object.metadata.name !== name) continue;
        stored.delete(id);
        for (const secret of ['credentials', 'variables']) {
          stored.delete(key('secrets', object.metadata.namespace ?? '', `${name}-${secret}`));
        }
        version += 1;
        notify('DELETED', { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } });
      }
    },
    podLogs: new Map(),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return self;
}

/** Returns whether the object has the uid and the version that a deletion or a patch requires. */
function isExpected({ method, body }: Call, { metadata }: KubernetesObject): boolean {
  const required = asObject(method === 'DELETE' ? body['preconditions'] : method === 'PATCH' ? body['metadata'] : {});
  const { uid, resourceVersion } = required ?? {};
  return (
    (uid === undefined || uid === metadata.uid) &&
    (resourceVersion === undefined || resourceVersion === metadata.resourceVersion)
  );
}

const key = (resource: string, namespace: string, name: string): string => `${resource}/${namespace}/${name}`;

const callPath = /\/namespaces\/([^/]+)\/([^/]+)(?:\/([^/]+))?(\/log)?$/;

async function callOf(req: IncomingMessage): Promise<Call> {
  const url = new URL(req.url ?? '/', 'http://cluster');
  const [, namespace = '', plural = '', name, log] = callPath.exec(url.pathname) ?? [];
  let text = '';
  for await (const chunk of req) text += String(chunk);
  const body = (text ? JSON.parse(text) : {}) as Record<string, unknown>;
  const traceparent = req.headers['traceparent'];
  return {
    ...{ method: req.method ?? '', resource: log ? 'log' : plural, namespace, name, query: url.searchParams, body },
    traceparent: typeof traceparent === 'string' ? traceparent : undefined,
  };
}

function json(res: ServerResponse, status: number, body: unknown): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const refuse = (res: ServerResponse, status: number, reason: string): void =>
  json(res, status, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status, reason, message: reason });
