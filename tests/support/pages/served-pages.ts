import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import express from 'express';
import { pino } from 'pino';
import { createApp } from '../../../src/app.ts';
import { toApiError } from '../../../src/error-translation.ts';
import { ApiError, errorKind } from '../../../src/errors.ts';
import type { GitCredentials, Identity } from '../../../src/identity/types.ts';
import { pageErrors } from '../../../src/pages/page-errors.ts';
import { pagesRoutes } from '../../../src/pages/routes.ts';
import { loadDocument } from '../../../src/pipeline/document.ts';
import { createGitLab } from '../../../src/platform/gitlab/client.ts';
import {
  ada,
  commitFiles,
  makeRepository,
  runGit,
  type ServedForge,
  serveForge,
  withToken,
} from '../local/forge/served-forge.ts';
import { loopbackHttp } from '../outbound-http.ts';
import { testConfig } from '../sessions/config.ts';

const log = pino({ level: 'silent' });
const request = { deadline_ms: 10_000, body_limit_bytes: 1_048_576, allowed_hosts: [], allowed_origins: [] };
/** The id of all requests of `ServedPages.get`. */
export const requestId = 'request-7777';
/** A project of ada with two commits, the branches `main` and `feature/x`, and the tag `v1` at the first commit. */
export const project = 'Group/Sub/Solar-Wind';
/** The name of the project. */
export const hostileName = '</script><img src=x onerror=alert(1)>\u2028';

interface Page {
  readonly response: Response;
  readonly status: number;
  readonly text: string;
  /** See `dataIn`. */
  data(): Record<string, unknown>;
}

/** The pages of the service, with a forge as the GitLab. */
export interface ServedPages {
  readonly forge: ServedForge;
  /** The URL without a path. */
  readonly origin: string;
  readonly registered: Identity;
  readonly anonymous: Identity;
  /** The last commit of `main`. */
  readonly onMain: string;
  /** The commit of `feature/x` and `v1`. */
  readonly onFeature: string;
  /** Sets the caller of later requests; undefined: the pipeline rejects them before a route runs. */
  setCaller(identity: Identity | undefined): void;
  /** Requests a path as a browser does, by default as the registered user. */
  get(path: string, options?: { as?: Identity | undefined; headers?: Record<string, string> }): Promise<Page>;
  close(): Promise<void>;
}

/** Returns ada with these credentials. */
export const as = (git: GitCredentials): Identity => ({
  kind: 'registered',
  id: 'user-1',
  username: 'ada',
  email: ada.email,
  fullName: 'Ada Lovelace',
  issuer: 'http://127.0.0.1/auth',
  accessToken: 'x',
  refreshToken: null,
  git,
});

/** Starts the pages. */
export async function servePages(): Promise<ServedPages> {
  const forge = await serveForge();
  const { token } = forge.forge.issueToken(ada);
  /** The caller; if undefined, the pipeline rejects the request before a route runs. */
  let caller: Identity | undefined;
  const registered = as({ url: forge.url, token, tokenExpiresAt: -1 });
  const anonymous: Identity = {
    kind: 'anonymous',
    source: 'cookie',
    id: 'anon-1',
    username: 'anon-1',
    git: { url: forge.url, token: null, tokenExpiresAt: 0 },
  };
  const members = [{ username: 'ada', accessLevel: 40 }];
  await forge.forge.createProject({
    namespace: 'Group/Sub',
    path: 'Solar-Wind',
    name: hostileName,
    description: 'Particles',
    members,
  });
  await forge.forge.createProject({ namespace: 'ada', path: 'empty', members });
  const tree = await makeRepository(join(forge.scratch, 'tree'), { 'a.txt': 'one\n' });
  const onFeature = await runGit(tree, 'rev-parse', 'HEAD');
  await runGit(tree, 'tag', 'v1');
  await runGit(tree, 'branch', 'feature/x');
  const onMain = await commitFiles(tree, { 'a.txt': 'two\n' }, 'second');
  await runGit(tree, 'push', '--quiet', '--all', withToken(`${forge.url}/${project}.git`, token));
  await runGit(tree, 'push', '--quiet', '--tags', withToken(`${forge.url}/${project}.git`, token));

  const config = {
    version: '1.2.3',
    service_prefix: '/notebooks',
    request,
    limits: testConfig().limits,
    server: testConfig().server,
    sessions: testConfig().sessions,
  };
  const app = createApp({
    config,
    log,
    document: loadDocument('/notebooks'),
    identify: async () => {
      if (!caller) throw new ApiError(errorKind.unauthenticated, 'You are not signed in.');
      return { identity: caller };
    },
    health: express.Router(),
    routes: [],
    pages: pagesRoutes({ config, gitlab: createGitLab({ http: loopbackHttp(), log }), log }),
    pageErrors: pageErrors({ config, log, explain: toApiError }),
    validateResponses: true,
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    ...{ forge, origin, registered, anonymous, onMain, onFeature },
    setCaller(identity) {
      caller = identity;
    },
    async get(path, options = {}) {
      caller = 'as' in options ? options.as : registered;
      const response = await fetch(`${origin}/notebooks${path}`, {
        redirect: 'manual',
        headers: {
          accept: 'text/html,*/*;q=0.8',
          'sec-fetch-site': 'none',
          'x-request-id': requestId,
          ...options.headers,
        },
      });
      const text = await response.text();
      return { response, status: response.status, text, data: () => dataIn(text) };
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await forge.close();
    },
  };
}

/** Returns the data of a launch page. */
export function dataIn(page: string): Record<string, unknown> {
  const json = /<script type="application\/json" id="launch-data">(.*?)<\/script>/s.exec(page)?.[1];
  return JSON.parse(json ?? 'null') as Record<string, unknown>;
}
