import { once } from 'node:events';
import express, { type Router } from 'express';
import { ApiError, errorKind } from '../../src/errors.ts';
import { DeadlineExceeded } from '../../src/lib/deadline.ts';
import { contextOf } from '../../src/request-context.ts';

/** What reached the handlers of `testRoutes`. */
export const seen: {
  body?: unknown;
  query?: unknown;
  signal?: AbortSignal;
  /** What `GET /logs/fault` throws. */
  fault?: unknown;
} = {};
/** Returns routes that record what reaches them, and that fail in several ways. */
export function testRoutes(): Router {
  const router = express.Router();
  router.get('/servers', (req, res) => {
    seen.query = { ...req.query };
    res.json({ servers: {} });
  });
  router.post('/servers', (req, _res) => {
    seen.body = req.body;
    throw new ApiError(errorKind.missing, 'The request reached the route.');
  });
  router.get('/servers/:server_name', (req, res) => {
    if (req.params['server_name'] === 'wrong') return void res.json({ name: 'not the documented body' });
    throw new ApiError(errorKind.missing, 'The request reached the route.');
  });
  router.delete('/servers/:server_name', (req, res) => {
    seen.query = { ...req.query };
    res.status(204).end();
  });
  router.get('/logs/:server_name', async (req, res) => {
    seen.query = { ...req.query };
    if (req.params['server_name'] === 'fault') throw seen.fault;
    if (req.params['server_name'] === 'half') {
      res.write('{"half":');
      throw new Error('failed in the middle of the response');
    }
    if (req.params['server_name'] === 'slow') {
      seen.signal = contextOf(res).deadline.signal;
      await once(seen.signal, 'abort');
      throw new DeadlineExceeded('waiting for nothing', 300);
    }
    if (req.params['server_name'] === 'deaf') await new Promise((resolve) => res.once('close', resolve));
    else res.json({});
  });
  router.get(/^\/launch\//, (req, res) => {
    res.type('html').send(req.path);
  });
  return router;
}
