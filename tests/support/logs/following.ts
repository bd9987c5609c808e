import { afterEach, beforeEach } from 'vitest';
import { john, type TestService } from '../sessions/service.ts';
import { type LogCluster, startLogCluster } from './log-cluster.ts';
import { LogStream } from './log-stream.ts';

export const user = john('https://gitlab.example.org');
export const soon = { timeout: 60_000 };

export interface Following {
  readonly cluster: LogCluster;
  /** A test may replace it by another replica. */
  service: TestService;
  /** Creates the session `mine` of `user`: `git-clone` has ended, `jupyter-server` runs. */
  running(): void;
  /** Opens a log stream of `mine` and reads it. */
  follow(query?: string, headers?: Record<string, string>, from?: TestService): Promise<LogStream>;
  /** Opens a log stream of `mine` without reading it. */
  stall(query?: string): Promise<LogStream>;
}

/** Returns a cluster and a service, which are new for each test of the file. */
export function following(): Following {
  const open: LogStream[] = [];
  const self = {
    running() {
      self.cluster.session('mine', user, { init: ['git-clone'], regular: ['jupyter-server'] });
      self.cluster.log('git-clone').write('cloned', '2026-01-01T00:00:01.5Z');
      self.cluster.log('git-clone').end();
      self.cluster.log('jupyter-server').write(['starting', 'listening'], '2026-01-01T00:00:02.000000001Z');
      self.cluster.report('mine', { 'git-clone': 'ended', 'jupyter-server': 'running' });
    },
    async follow(query = '', headers = {}, from = self.service) {
      const url = `${from.url}/logs/mine?follow=true${query}`;
      const stream = await LogStream.open(url, { ...from.headersOf(user), ...headers });
      open.push(stream);
      return stream.read();
    },
    async stall(query = '') {
      const url = `${self.service.url}/logs/mine?follow=true${query}`;
      const stream = await LogStream.open(url, self.service.headersOf(user));
      open.push(stream);
      // The sockets buffer as little as possible.
      stream.message.socket.pause();
      return stream;
    },
  } as Following & { cluster: LogCluster };
  beforeEach(async () => {
    self.cluster = await startLogCluster();
    self.service = await self.cluster.replica();
  });
  afterEach(async () => {
    for (const stream of open.splice(0)) stream.close();
    await self.cluster.close();
  });
  return self;
}
