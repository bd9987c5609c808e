import type { Response } from 'express';
import { errorKind } from '../errors.ts';
import type { Metrics } from '../platform/metrics/types.ts';
import { methods, type OpenApiDocument } from './document.ts';
import { knownOperationOf, routeName } from './operations.ts';

/** From a read of the cache to the time limit of a request. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** The route of requests that are not for an operation of the document. */
const otherRoute = 'other';
/** The status of a request whose client disconnected before the end of the response. */
const abortedStatus = 'aborted';

/** Counts a request when its response is closed. */
export type CountRequest = (res: Response, ms: number) => void;

/**
 * Returns the function that counts requests by route and status. A route is an operation of the document, such as
 * `GET /servers/{server_name}`; the documented statuses of each exist from the start.
 */
export function createRequestMetrics(metrics: Metrics, document: OpenApiDocument): CountRequest {
  const documented = Object.entries(document.paths).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = item.servers ? undefined : item[method];
      return operation ? [{ route: routeName(method, path), statuses: Object.keys(operation.responses) }] : [];
    }),
  );
  const routes = [...documented.map(({ route }) => route), otherRoute];
  const isStatus = (status: string) => /^\d{3}$/.test(status);
  const statuses = new Set([
    ...documented.flatMap((each) => each.statuses.filter(isStatus)),
    ...Object.values(errorKind).map(({ status }) => String(status)),
    ...['200', '204', '304', abortedStatus],
  ]);
  const requests = metrics.counter({
    name: 'http_requests_total',
    help: 'Requests, without health probes, by operation of openapi.yaml and status of the response.',
    labels: { route: routes, status: [...statuses] },
    series: documented.flatMap((each) =>
      each.statuses.filter(isStatus).map((status) => ({ route: each.route, status })),
    ),
  });
  const durations = metrics.histogram({
    name: 'http_request_duration_seconds',
    help: 'Duration of requests from their headers to the end of the response, without streams of events.',
    labels: { route: routes },
    buckets,
  });
  return (res, ms) => {
    const route = knownOperationOf(res)?.route ?? otherRoute;
    requests.increment({ route, status: res.writableFinished ? String(res.statusCode) : abortedStatus });
    const type = res.getHeader('Content-Type');
    if (typeof type === 'string' && type.startsWith('text/event-stream')) return;
    durations.observe({ route }, ms / 1000);
  };
}
