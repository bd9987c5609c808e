import type { Deadline } from '../../lib/deadline.ts';
import { isObject } from '../../lib/json.ts';
import { ResponseTooLarge } from './failures.ts';
import { isKubernetesObject, type KubernetesObject } from './objects.ts';
import { resource } from './resources.ts';
import { type Call, createTransport, type TransportOptions } from './transport.ts';
import {
  type KubernetesConnection,
  KubernetesError,
  KubernetesUnavailable,
  type ListOptions,
  type ListPage,
  type ResourceType,
} from './types.ts';
import { watchEvents } from './watch-events.ts';

/** An object has at most 1.5 MiB in etcd. As JSON with managedFields, it may have a few MiB more. */
const objectLimitBytes = 8 * 1024 * 1024;
/** A page that exceeds this limit is requested again in smaller pages. */
const pageLimitBytes = 64 * 1024 * 1024;
const logLimitBytes = 16 * 1024 * 1024;
/** Objects of a page. 200 sessions have about 6 MB as JSON, and more when they are parsed, which the heap must have room for. */
const pageSize = 200;

/**
 * Creates a client of the Kubernetes API with one connection pool. Its calls throw KubernetesError and
 * KubernetesUnavailable. The messages name the call and the object, and contain no header, body or credential. A call is
 * retried within its deadline after 429. A GET is retried once after a broken connection.
 */
export function createKubernetesClient(options: TransportOptions): KubernetesConnection {
  const transport = createTransport(options);

  async function json(call: Call, deadline: Deadline): Promise<unknown> {
    const text = await transport.request(call, deadline);
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new KubernetesUnavailable(`${call.describe}: the Kubernetes API sent a response that is not JSON`, {
        cause,
      });
    }
  }

  async function object<T extends KubernetesObject>(call: Call, deadline: Deadline): Promise<T> {
    const value = await json(call, deadline);
    if (!isKubernetesObject<T>(value)) {
      throw new KubernetesUnavailable(`${call.describe}: the Kubernetes API sent a response that is not an object`);
    }
    return value;
  }

  const target = (verb: string, type: ResourceType, namespace: string, name: string) => ({
    describe: `${verb} ${type.plural} ${namespace}/${name}`,
    path: `${collection(type, namespace)}/${encodeURIComponent(name)}`,
    limitBytes: objectLimitBytes,
  });

  const podLog = (
    namespace: string,
    pod: string,
    options: Record<string, string | number | boolean | undefined>,
  ): Call => {
    const call = target('read log of', resource.pods, namespace, pod);
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    const query = Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
    return { ...call, method: 'GET', path: `${call.path}/log`, query };
  };

  const patch = (type: ResourceType, namespace: string, name: string, contentType: string, body: object): Call => ({
    ...target('patch', type, namespace, name),
    method: 'PATCH',
    body: { contentType, text: JSON.stringify(body) },
  });

  const client: KubernetesConnection = {
    async get(type, namespace, name, deadline) {
      try {
        return await object({ ...target('get', type, namespace, name), method: 'GET' }, deadline);
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },

    async list<T extends KubernetesObject>(
      type: ResourceType,
      namespace: string,
      options: ListOptions,
      deadline: Deadline,
    ) {
      const all = async () => {
        const items: T[] = [];
        for await (const page of listPages<T>(client, type, namespace, options, () => deadline))
          items.push(...page.items);
        return items;
      };
      try {
        return await all();
      } catch (error) {
        // The list expired between two pages.
        if (error instanceof KubernetesError && error.status === 410) return await all();
        throw error;
      }
    },

    create: (type, namespace, body, deadline) =>
      object(
        {
          ...target('create', type, namespace, body.metadata.name ?? `${body.metadata.generateName ?? ''}*`),
          path: collection(type, namespace),
          method: 'POST',
          body: { contentType: 'application/json', text: JSON.stringify(body) },
        },
        deadline,
      ),

    replace: (type, namespace, body, deadline) =>
      object(
        {
          ...target('replace', type, namespace, body.metadata.name ?? ''),
          method: 'PUT',
          body: { contentType: 'application/json', text: JSON.stringify(body) },
        },
        deadline,
      ),

    mergePatch: (type, namespace, name, body, deadline) =>
      object(patch(type, namespace, name, 'application/merge-patch+json', body), deadline),

    jsonPatch: (type, namespace, name, operations, deadline) =>
      object(patch(type, namespace, name, 'application/json-patch+json', operations), deadline),

    async delete(type, namespace, name, options, deadline) {
      const text = JSON.stringify({ apiVersion: 'v1', kind: 'DeleteOptions', ...options });
      const body = { contentType: 'application/json', text };
      try {
        await json({ ...target('delete', type, namespace, name), method: 'DELETE', body }, deadline);
        return true;
      } catch (error) {
        if (isMissing(error)) return false;
        throw error;
      }
    },

    podLog: (namespace, pod, { limitBytes, ...options }, deadline) => {
      const call = podLog(namespace, pod, {
        ...options,
        limitBytes: Math.min(limitBytes ?? logLimitBytes, logLimitBytes),
      });
      return transport.request({ ...call, limitBytes: logLimitBytes }, deadline);
    },

    podLogStream: (namespace, pod, options, signal) =>
      transport.stream(podLog(namespace, pod, { ...options, timestamps: true }), signal),

    async listPage<T extends KubernetesObject>(
      type: ResourceType,
      namespace: string,
      { limit, continue: token, ...selectors }: ListOptions & { limit: number; continue?: string | undefined },
      deadline: Deadline,
    ): Promise<ListPage<T>> {
      const call: Call = {
        describe: `list ${type.plural} in ${namespace || 'all namespaces'}`,
        method: 'GET',
        path: collection(type, namespace),
        query: { ...selectors, limit: String(limit), continue: token },
        limitBytes: pageLimitBytes,
      };
      const value = await json(call, deadline);
      if (!isObject(value) || !Array.isArray(value['items'])) {
        throw new KubernetesUnavailable(`${call.describe}: the Kubernetes API sent a response that is not a list`);
      }
      const metadata = isObject(value['metadata']) ? value['metadata'] : {};
      return {
        items: value['items'],
        resourceVersion: typeof metadata['resourceVersion'] === 'string' ? metadata['resourceVersion'] : '',
        continue: typeof metadata['continue'] === 'string' && metadata['continue'] ? metadata['continue'] : undefined,
      };
    },

    watch: (type, namespace, options, signal) =>
      watchEvents(transport, collection(type, namespace), type, options, signal),

    close: () => transport.close(),
  };
  return client;
}

/**
 * Yields all pages of a list. A page that is too large is requested again as smaller pages, so that a few very large objects
 * do not prevent the list. While the caller handles a page, the next one is already requested. Throws KubernetesError 410 if the list
 * expires between two pages.
 * @param deadlineOf is called once per page.
 */
export async function* listPages<T extends KubernetesObject>(
  client: KubernetesConnection,
  type: ResourceType,
  namespace: string,
  options: ListOptions,
  deadlineOf: () => Deadline,
): AsyncIterable<ListPage<T>> {
  let limit = pageSize;
  const read = async (token: string | undefined): Promise<ListPage<T>> => {
    while (true) {
      try {
        return await client.listPage<T>(type, namespace, { ...options, limit, continue: token }, deadlineOf());
      } catch (error) {
        if (!(error instanceof ResponseTooLarge) || limit === 1) throw error;
        limit = Math.max(1, Math.floor(limit / 8));
      }
    }
  };
  let next = read(undefined);
  while (true) {
    const page = await next;
    if (page.continue !== undefined) {
      next = read(page.continue);
      // The error is thrown when this page is awaited. Until then, it must not end the process.
      next.catch(() => undefined);
    }
    yield page;
    if (page.continue === undefined) return;
  }
}

function collection({ group, version, plural }: ResourceType, namespace: string): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return namespace === '' ? `${root}/${plural}` : `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}`;
}

function isMissing(error: unknown): boolean {
  return error instanceof KubernetesError && error.status === 404 && error.reason === 'NotFound';
}
