import { autosaveRoutes } from '../../../src/autosaves/routes.ts';
import { ApiError, errorKind } from '../../../src/errors.ts';
import type { AutosavesList } from '../../../src/generated/openapi.ts';
import type { Identity } from '../../../src/identity/types.ts';
import { createGitLab } from '../../../src/platform/gitlab/client.ts';
import { createLogger } from '../../../src/platform/logging/logger.ts';
import { startApp, type TestResponse } from '../app.ts';
import { loopbackHttp } from '../outbound-http.ts';
import { testConfig } from '../sessions/config.ts';

export interface AutosaveService extends AsyncDisposable {
  /** Identities by the value of the `test-caller` header. Other callers are not authenticated. */
  readonly callers: Map<string, Identity>;
  /** @param path below the prefix of the service. */
  send(method: string, path: string, caller?: string): Promise<TestResponse>;
  list(project: string, caller?: string): Promise<TestResponse>;
  remove(project: string, name: string, caller?: string): Promise<TestResponse>;
  log(): string;
}

/** Starts the routes of autosaves in the real pipeline, with the GitLab of the callers. Only the identities are fake. */
export async function startAutosaveService({ requestTimeoutMs = 10_000 } = {}): Promise<AutosaveService> {
  const callers = new Map<string, Identity>();
  const gitlab = createGitLab({
    http: loopbackHttp(),
    log: createLogger({ name: 'test', level: 'silent' }),
    requestTimeoutMs,
  });
  const app = await startApp({
    routes: [autosaveRoutes({ gitlab, config: testConfig() })],
    parts: {
      identify: async ({ headers }) => {
        const identity = callers.get(String(headers['test-caller']));
        if (!identity) throw new ApiError(errorKind.unauthenticated, 'You are not signed in.');
        return { identity };
      },
    },
  });
  const send = (method: string, path: string, caller = 'ada') =>
    app.send({ method, path: `/notebooks${path}`, headers: { 'test-caller': caller } });
  return {
    callers,
    send,
    list: (project, caller) => send('GET', `/${project}/autosave`, caller),
    remove: (project, name, caller) => send('DELETE', `/${project}/autosave/${name}`, caller),
    log: () => app.log(),
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
}

export const namesIn = (response: TestResponse): string[] =>
  (response.json() as unknown as AutosavesList).autosaves.map(({ name }) => name);

/** Returns the status and, for an error, its code. */
export const outcome = (response: TestResponse): [number, number | undefined] => [
  response.status,
  response.status >= 400 ? response.error().code : undefined,
];
