import type { Router } from 'express';
import { createRoutes } from '../pipeline/route.ts';
import { contextOf } from '../request-context.ts';
import type { Snapshots } from './snapshots.ts';

/** Returns the routes below `/servers/{name}/kernels/{id}/snapshots`. */
export function snapshotRoutes(snapshots: Snapshots): Router {
  const routes = createRoutes();

  routes.get('/servers/{server_name}/kernels/{kernel_id}/snapshots', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    res.json(await snapshots.list(identity, kernelOf(req.params), deadline));
  });

  routes.post('/servers/{server_name}/kernels/{kernel_id}/snapshots', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    const { label = '', keep, engine } = req.body;
    const operation = await snapshots.take(identity, kernelOf(req.params), { label, keep, engine }, deadline);
    const seconds = operation.snapshot?.skipped?.retry_after_seconds;
    if (seconds !== undefined) res.set('Retry-After', String(seconds));
    res.status(202).json(operation);
  });

  routes.patch('/servers/{server_name}/kernels/{kernel_id}/snapshots', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    res.json(await snapshots.setAutomatic(identity, kernelOf(req.params), req.body.automatic, deadline));
  });

  routes.delete('/servers/{server_name}/kernels/{kernel_id}/snapshots', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    await snapshots.remove(identity, kernelOf(req.params), deadline);
    res.status(204).end();
  });

  routes.delete('/servers/{server_name}/kernels/{kernel_id}/snapshots/{snapshot_id}', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    const which = { ...kernelOf(req.params), snapshotId: req.params.snapshot_id };
    await snapshots.remove(identity, which, deadline);
    res.status(204).end();
  });

  routes.post('/servers/{server_name}/kernels/{kernel_id}/snapshots/{snapshot_id}/restore', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    const which = { ...kernelOf(req.params), snapshotId: req.params.snapshot_id };
    res.status(202).json(await snapshots.restore(identity, which, req.body.force === true, deadline));
  });

  return routes.router;
}

const kernelOf = ({ server_name, kernel_id }: { server_name: string; kernel_id: string }) => ({
  name: server_name,
  kernelId: kernel_id,
});
