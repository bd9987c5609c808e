import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { JupyterServer } from '../../src/jupyter-server/types.ts';
import { createOperatorMetrics } from '../../src/operator/metrics.ts';
import { createMetrics } from '../../src/platform/metrics/prometheus.ts';
import { serveMetrics } from '../../src/platform/metrics/server.ts';
import type { ReadableMetrics } from '../../src/platform/metrics/types.ts';
import { send } from '../support/app.ts';
import { type Backends, startBackends } from '../support/sessions/backends.ts';
import { commitSha } from '../support/sessions/fake-gitlab.ts';
import { startWholeService, type WholeService } from '../support/whole-service.ts';

let backends: Backends;
let service: WholeService;
let metrics: ReadableMetrics;

beforeAll(async () => {
  backends = await startBackends();
  const { cluster, gitlab, registry } = backends;
  metrics = createMetrics();
  service = await startWholeService({
    kubeconfig: cluster.kubeconfig,
    config: { git: { url: gitlab.url, registry: registry.host } },
    metrics,
  });
});
beforeEach(() => {
  backends.cluster.calls.length = 0;
  backends.gitlab.traces.length = 0;
  backends.gitlab.fault = () => undefined;
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await backends.close();
});

/** Returns the value of a series of a metric of this project. */
async function valueFor(name: string, labels: Record<string, string> = {}): Promise<number> {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const lines = (await metrics.text()).split('\n').filter((line) => {
    const [, found, series = ''] = /^notebook_sessions_(\w+)(?:\{(.*)\})? /.exec(line) ?? [];
    return found === name && wanted.every((each) => series.includes(each));
  });
  if (lines.length !== 1) throw new Error(`${lines.length} series of ${name} match ${wanted.join(',')}`);
  return Number(lines[0]?.split(' ').at(-1));
}

/** Returns how much the value grows during `work`. */
async function growth(work: () => Promise<unknown>, name: string, labels: Record<string, string>): Promise<number> {
  const before = await valueFor(name, labels);
  await work();
  return (await valueFor(name, labels)) - before;
}

const project = { namespace: 'my-group', project: 'my-project' };
const launch = (body: object = {}, headers: Record<string, string> = {}) =>
  service.request('POST', '/servers', { ...project, commit_sha: commitSha, ...body }, headers);
const listed = () => service.request('GET', '/servers');

it('count requests by their operation and status, and never by a path that a caller has chosen', async () => {
  const route = 'GET /servers/{server_name}';
  const read = () => service.request('GET', '/servers/no-such-session');
  expect(await growth(read, 'http_requests_total', { route, status: '404' })).toBe(1);
  expect(await growth(listed, 'http_request_duration_seconds_count', { route: 'GET /servers' })).toBe(1);
  const unknown = { route: 'other', status: '404' };
  await service.request('GET', '/first-unknown');
  expect(await growth(() => service.request('GET', '/another/unknown'), 'http_requests_total', unknown)).toBe(1);
  expect(await metrics.text()).not.toContain('unknown');
});

it('count the phases of a launch, and the calls that it makes by server and outcome', async () => {
  backends.gitlab.fault = (path) => (path.includes('branches') ? 404 : undefined);
  const missing = () => launch({ branch: 'mian', commit_sha: 'v1.0' });
  expect(await growth(missing, 'outbound_calls_total', { target: 'gitlab', outcome: 'client_error' })).toBe(1);
  backends.gitlab.fault = () => undefined;
  expect(await valueFor('launch_phase_duration_seconds_count', { phase: 'check', outcome: 'failure' })).toBe(1);
  const created = { target: 'kubernetes', outcome: 'success' };
  expect(await growth(launch, 'outbound_calls_total', created)).toBe(2);
  for (const phase of ['create', 'secrets']) {
    expect(await valueFor('launch_phase_duration_seconds_count', { phase, outcome: 'success' }), phase).toBe(1);
  }
  expect(await valueFor('outbound_calls_total', { target: 'registry', outcome: 'success' })).toBeGreaterThan(0);
});

it('show the size and the age of the cache', async () => {
  await launch();
  expect(await valueFor('cache_sessions')).toBe(backends.cluster.objects('jupyterservers').length);
  expect(await valueFor('cache_age_seconds')).toBeLessThan(60);
});

it('pass a valid traceparent on to the servers of the platform', async () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  await launch({ branch: 'feature/x' }, { traceparent });
  const { calls } = backends.cluster;
  expect(calls.map((call) => [call.method, call.resource, call.traceparent])).toEqual([
    ['GET', 'jupyterservers', traceparent],
    ['POST', 'jupyterservers', traceparent],
    ['POST', 'secrets', traceparent],
  ]);
  expect(backends.gitlab.traces.length).toBeGreaterThan(0);
  expect(new Set(backends.gitlab.traces)).toEqual(new Set([traceparent]));
  calls.length = 0;
  await launch({ branch: 'feature/x', commit_sha: 'v1.0' }, { traceparent: `${traceparent}-x` });
  await service.request('GET', '/servers/another', undefined, {});
  expect(calls.map((call) => call.traceparent)).toEqual(calls.map(() => undefined));
});

it('are served at /metrics, and nothing else is', async () => {
  const log = pino({ level: 'silent' });
  const { promise: listening, resolve } = Promise.withResolvers<number>();
  log.info = (about: unknown) => resolve((about as { metrics: { port: number } }).metrics.port);
  const server = serveMetrics(metrics, { host: '127.0.0.1', port: 0, setting: 'x', log });
  const port = await listening;
  const response = await send(port, { path: '/metrics' });
  expect(response.status).toBe(200);
  expect(response.headers['content-type']).toContain('text/plain; version=0.0.4');
  expect(response.text).toContain('notebook_sessions_http_requests_total');
  expect((await send(port, { path: '/' })).status).toBe(404);
  expect((await send(port, { path: '/metrics', method: 'POST' })).status).toBe(405);
  server.close();
});

it('of the operator show its queue, its sessions by state, and the time until a session runs', async () => {
  const own = createMetrics();
  const counted = createOperatorMetrics(own);
  const server = (state: 'starting' | 'running'): JupyterServer => ({
    metadata: { name: 'a', namespace: 'b', creationTimestamp: '2026-01-01T00:00:00Z' },
    status: { state, ...(state === 'starting' && { startingSince: '2026-01-01T01:00:00Z' }) },
  });
  counted.observe({
    queue: { depth: 3 },
    view: { servers: () => [server('running'), { metadata: {} }] },
    detector: { isRunning: true },
  });
  const change = { type: 'modified' as const, namespace: 'b', name: 'a' };
  const now = new Date('2026-01-01T01:00:07Z');
  counted.sessionChanged({ ...change, previous: server('starting'), value: server('running') }, now);
  counted.sessionChanged({ ...change, previous: server('running'), value: server('running') }, now);
  await expect(counted.reconcile(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  counted.culled('idle');
  const text = await own.text();
  for (const line of [
    'operator_queue_depth 3',
    'operator_amalthea_running 1',
    'operator_sessions{state="running"} 1',
    'operator_sessions{state="failed"} 0',
    'operator_sessions{state="new"} 1',
    'operator_time_to_ready_seconds_sum 7',
    'operator_time_to_ready_seconds_count 1',
    'operator_reconcile_duration_seconds_count{outcome="failure"} 1',
    'operator_sessions_culled_total{reason="idle"} 1',
    'operator_sessions_culled_total{reason="age"} 0',
  ]) {
    expect(text).toContain(`notebook_sessions_${line}\n`);
  }
});

it('are listed in docs/metrics.md', async () => {
  const operator = createMetrics();
  createOperatorMetrics(operator).observe({
    queue: { depth: 0 },
    view: { servers: () => [] },
    detector: { isRunning: false },
  });
  const texts = [await metrics.text(), await operator.text()].join('\n');
  const names = new Set([...texts.matchAll(/^# TYPE (notebook_sessions_\w+)/gm)].map(([, name]) => name));
  const documented = readFileSync(join(import.meta.dirname, '../../docs/metrics.md'), 'utf8');
  const rows = [...documented.matchAll(/^\| `(notebook_sessions_\w+)` /gm)].map(([, name]) => name);
  expect(rows.toSorted()).toEqual([...names].toSorted());
});
