import express, { type Router } from 'express';
import type { Logger } from 'pino';
import type { Config } from '../config/types.ts';
import type { GitLab } from '../platform/gitlab/types.ts';
import { contextOf } from '../request-context.ts';
import { loadAssets } from './assets.ts';
import { launchPage } from './launch-page.ts';
import { resolveLaunch } from './launch-target.ts';
import { isOwnNavigation, pathOf, rootOf } from './navigation.ts';
import { createPageSender } from './page-sender.ts';
import { listProjects } from './projects.ts';
import { sessionsPage } from './sessions-page.ts';

export interface PagesParts {
  config: Pick<Config, 'version'>;
  gitlab: GitLab;
  log: Logger;
}

/** The pages for people, and the list of projects that they show. Mounted at the service's prefix, behind the contract. */
export function pagesRoutes({ config, gitlab, log }: PagesParts): Router {
  const assets = loadAssets();
  log.debug({ version: assets.version }, 'the pages are loaded');
  const sender = createPageSender({ serviceVersion: config.version, assetsVersion: assets.version });
  const router = express.Router();

  router.use('/assets', assets.router);

  router.get('/', (req, res) => {
    const path = pathOf(req);
    // Without the slash every relative address on the page would be one level too high.
    if (!path.endsWith('/')) return res.redirect(308, `${path.split('/').at(-1)}/`);
    const { identity } = contextOf(res);
    sender.send(req, res, 200, {
      title: 'Notebook Sessions',
      script: 'sessions.js',
      body: () => sessionsPage(identity),
    });
  });

  router.get('/launch/:namespace/:project', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    const { namespace, project } = req.params;
    const { ref } = req.query as { ref?: string };
    const target = await resolveLaunch(
      { gitlab, identity, path: `${namespace}/${project}`, ref: ref || undefined },
      deadline,
    );
    sender.send(req, res, 200, {
      title: `${target.project.name} · Notebook Sessions`,
      script: 'launch.js',
      body: () => launchPage(target, { startAtOnce: isOwnNavigation(req), root: rootOf(req) }),
    });
  });

  router.get('/projects', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    const { search, page } = req.query as { search?: string; page?: string | number };
    res.json({ projects: await listProjects({ gitlab, identity, search, page: Number(page ?? 1) }, deadline) });
  });

  return router;
}
