import type { Router } from 'express';
import type { CallerLimit } from '../caller-limit.ts';
import { createEventStreams } from '../pipeline/event-stream.ts';
import { isStreamAccepted, operationEvents } from '../pipeline/operation-stream.ts';
import { createRoutes } from '../pipeline/route.ts';
import { contextOf } from '../request-context.ts';
import type { SyncFolders } from './sync-folders.ts';

export interface SyncFolderRouteParts {
  readonly folders: SyncFolders;
  readonly limit: CallerLimit;
  /** Aborts when the service stops; streams then end with a `shutdown` event. */
  readonly stopping: AbortSignal;
}

/** Returns the routes at `/servers/{name}/sync-folders`. */
export function syncFolderRoutes({ folders, limit, stopping }: SyncFolderRouteParts): Router {
  const routes = createRoutes();
  const streams = createEventStreams({ limit, stopping, timing: {} });

  routes.get('/servers/{server_name}/sync-folders', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    res.json(await folders.list(identity, req.params.server_name, deadline));
  });

  routes.get('/servers/{server_name}/sync-folders/{folder_id}', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    res.json(await folders.get(identity, req.params.server_name, req.params.folder_id, deadline));
  });

  routes.put('/servers/{server_name}/sync-folders/{folder_id}', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    res.json(await folders.put(identity, req.params.server_name, req.params.folder_id, req.body, deadline));
  });

  routes.delete('/servers/{server_name}/sync-folders/{folder_id}', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    await folders.remove(identity, req.params.server_name, req.params.folder_id, deadline);
    res.status(204).end();
  });

  routes.post('/servers/{server_name}/sync-folders/{folder_id}/sync', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    const { server_name: name, folder_id: id } = req.params;
    res.status(202).json(await folders.start(identity, name, id, req.body?.deletions, deadline));
  });

  routes.get('/servers/{server_name}/sync-folders/{folder_id}/operations', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    const { server_name: name, folder_id: id } = req.params;
    res.json({ operations: await folders.operations(identity, name, id, deadline) });
  });

  routes.get('/servers/{server_name}/sync-folders/{folder_id}/operations/{operation_id}', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    const { server_name: name, folder_id: folder, operation_id: operation } = req.params;
    const which = { folder, operation };
    const found = await folders.operation(identity, name, which, deadline);
    if (!isStreamAccepted(req)) return void res.json(found);
    await streams.send(
      res,
      operationEvents((signal) => folders.follow(identity, name, which, signal)),
    );
  });

  routes.delete('/servers/{server_name}/sync-folders/{folder_id}/operations/{operation_id}', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    const { server_name: name, folder_id: folder, operation_id: operation } = req.params;
    res.json(await folders.cancel(identity, name, { folder, operation }, deadline));
  });

  routes.post('/servers/{server_name}/sync-folders/{folder_id}/conflicts/{conflict_id}', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    const { server_name: name, folder_id: folder, conflict_id: conflict } = req.params;
    res.json(await folders.resolve(identity, name, { folder, conflict }, req.body.resolution, deadline));
  });

  return routes.router;
}
