import { Router } from 'express';
import type { Deadline } from '../deadline.ts';
import type { ServerLogs } from '../generated/openapi.ts';
import type { Identity } from '../identity/types.ts';
import type { JupyterServer } from '../jupyter-server/types.ts';
import type { KubernetesClient } from '../platform/kubernetes/types.ts';
import { contextOf } from '../request-context.ts';
import { readLogs } from './read-logs.ts';

export interface LogRouteParts {
  readonly client: KubernetesClient;
  /** The caller's session of this name; throws ApiError 1404. */
  readonly session: (identity: Identity, name: string, deadline: Deadline) => Promise<JupyterServer>;
}

const defaultLines = 250;

/** `/logs`. The OpenAPI document has decided about the shape of the request before a handler runs. */
export function logRoutes({ client, session }: LogRouteParts): Router {
  const router = Router();
  router.get('/logs/:server_name', async (req, res) => {
    const { identity, deadline, log } = contextOf(res);
    const server = await session(identity, req.params.server_name, deadline);
    const maxLines = Number(req.query['max_lines'] ?? defaultLines);
    res.json((await readLogs(client, server, maxLines, deadline, log)) satisfies ServerLogs);
  });
  return router;
}
