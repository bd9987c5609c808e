import fc from 'fast-check';
import {
  methods,
  type OpenApiDocument,
  type OperationObject,
  type Parameter,
  resolve,
} from '../../../src/pipeline/document.ts';
import { type ValueOptions, valuesOf } from './values.ts';

export interface DocumentedOperation {
  readonly id: string;
  readonly method: string;
  /** The path of the document, with the prefix of the service if it has one. */
  readonly path: string;
  /** The position in the document. */
  readonly pointer: readonly [path: string, method: string];
  readonly parameters: readonly Parameter[];
  readonly operation: OperationObject;
}

export interface FuzzedRequest {
  readonly method: string;
  /** The target of the request line. */
  readonly target: string;
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
}

export function operationsOf(document: OpenApiDocument): DocumentedOperation[] {
  const prefix = document.servers[0]?.url ?? '';
  return Object.entries(document.paths).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = item[method];
      if (!operation) return [];
      const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])];
      return {
        id: operation.operationId,
        method: method.toUpperCase(),
        path: item.servers ? path : prefix + path,
        pointer: [path, method] as const,
        parameters: parameters.map((parameter) => resolve(document, parameter)),
        operation,
      };
    }),
  );
}

/** Returns requests for one operation, with its parameters, its body and the headers of a caller. */
export function requestsFor(
  { method, path, parameters, operation }: DocumentedOperation,
  options: ValueOptions,
  callers: readonly Record<string, string>[],
): fc.Arbitrary<FuzzedRequest> {
  const values = (place: Parameter['in']): [string, fc.Arbitrary<unknown>][] =>
    parameters
      .filter((parameter) => parameter.in === place)
      .map(({ name, schema }) => [name, valuesOf(options, name, schema ?? {})]);
  const fromSchema = operation.requestBody?.content['application/json']?.schema;
  const body = fromSchema
    ? fc.oneof(
        { weight: 24, arbitrary: valuesOf(options, 'body', fromSchema).map((value) => JSON.stringify(value)) },
        { weight: 1, arbitrary: fc.option(fc.string(), { nil: undefined }) },
      )
    : fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.string() });
  const queried = values('query').map(([name, value]): [string, fc.Arbitrary<unknown>] => [
    name,
    fc.oneof({ weight: 24, arbitrary: value }, { weight: 1, arbitrary: fc.array(value, { maxLength: 3 }) }),
  ]);
  return fc
    .record({
      inPath: fc.record(Object.fromEntries(values('path'))),
      inQuery: fc.record(Object.fromEntries(queried), { requiredKeys: [] }),
      inHeaders: fc.record(Object.fromEntries(values('header')), { requiredKeys: [] }),
      usualHeaders: usualHeaders(),
      caller: fc.constantFrom(...callers),
      body,
      asHead: fc.nat(method === 'GET' ? 19 : 0).map((dice) => dice === 1),
    })
    .map((parts) => ({
      method: parts.asHead ? 'HEAD' : method,
      target: path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encoded(parts.inPath[name])) + search(parts.inQuery),
      headers: { ...parts.usualHeaders, ...parts.caller, ...headersOf(parts.inHeaders) },
      body: parts.body,
    }));
}

/** Mostly valid headers, because the service rejects the others before it checks anything else. */
function usualHeaders(): fc.Arbitrary<Record<string, string>> {
  const unusual = fc.stringMatching(/^[ -~]{0,20}$/);
  const usually = <T>(usual: fc.Arbitrary<T>, others: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 24, arbitrary: usual }, { weight: 1, arbitrary: others });
  const accept = fc.constantFrom('application/json', '*/*', 'text/html, */*;q=0.5');
  const unusualAccept = fc.oneof(unusual, fc.constantFrom('image/png', 'text/event-stream', 'text/html'));
  return fc
    .record({
      accept: usually(fc.option(accept, { nil: undefined }), unusualAccept),
      'x-request-id': usually(fc.constant(undefined), unusual),
      'content-type': usually(fc.constant('application/json; charset=utf-8'), unusual),
      origin: usually(fc.constant(undefined), fc.oneof(fc.constant('http://127.0.0.1'), unusual)),
    })
    .map((headers) =>
      Object.fromEntries(
        Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
      ),
    );
}

const asText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** Encodes a value for a URL, except the invalid escape `%zz`, which is sent unchanged. */
function encoded(value: unknown): string {
  const text = asText(value);
  return text === '%zz' ? text : encodeURIComponent(text.toWellFormed());
}

function search(query: Record<string, unknown>): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((each) => `${name}=${encoded(each)}`),
  );
  return pairs.length > 0 ? `?${pairs.join('&')}` : '';
}

/** Returns the headers without values that HTTP does not allow. */
function headersOf(values: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, asText(value).replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '')]),
  );
}
