import type { Router } from 'express';
import { ApiError, errorKind } from '../errors.ts';
import { createRoutes } from '../pipeline/route.ts';
import { contextOf } from '../request-context.ts';
import type { Kernels } from './kernels.ts';

/** Returns the routes at `/servers/{name}/server` and `/servers/{name}/kernels`. */
export function kernelRoutes(kernels: Kernels): Router {
  const routes = createRoutes();

  routes.get('/servers/{server_name}/server', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    res.json(await kernels.server(identity, req.params.server_name, deadline));
  });

  routes.post('/servers/{server_name}/server', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    const { restart, gateway_url: gatewayUrl } = req.body;
    if (restart === true && gatewayUrl !== undefined)
      throw new ApiError(errorKind.validation, 'gateway_url: must be absent if restart is true.', {
        detail: 'A restart keeps the gateway. To change it, stop the server, then start it.',
      });
    const change = restart === true ? { kind: 'restart' as const } : { kind: 'start' as const, gatewayUrl };
    res.json(await kernels.changeServer(identity, req.params.server_name, change, deadline));
  });

  routes.delete('/servers/{server_name}/server', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    const change = { kind: 'stop', force: req.query.force === true } as const;
    res.json(await kernels.changeServer(identity, req.params.server_name, change, deadline));
  });

  routes.get('/servers/{server_name}/kernels', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    res.json(await kernels.list(identity, req.params.server_name, deadline));
  });

  routes.post('/servers/{server_name}/kernels/sync', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    res.json(await kernels.sync(identity, req.params.server_name, deadline));
  });

  routes.post('/servers/{server_name}/kernels/{kernel_id}/interrupt', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    await kernels.change(identity, req.params.server_name, req.params.kernel_id, 'interrupt', deadline);
    res.status(204).end();
  });

  routes.post('/servers/{server_name}/kernels/{kernel_id}/restart', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    await kernels.change(identity, req.params.server_name, req.params.kernel_id, 'restart', deadline);
    res.status(204).end();
  });

  routes.delete('/servers/{server_name}/kernels/{kernel_id}', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    await kernels.change(identity, req.params.server_name, req.params.kernel_id, 'end', deadline);
    res.status(204).end();
  });

  return routes.router;
}
