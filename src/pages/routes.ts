import type { Router } from 'express';
import type { Logger } from 'pino';
import type { Config } from '../config/types.ts';
import { createRoutes } from '../pipeline/route.ts';
import type { GitLab, GitLabHistory } from '../platform/gitlab/types.ts';
import { contextOf } from '../request-context.ts';
import { loadAssets } from './assets.ts';
import { autosavesPage } from './autosaves-page.ts';
import { listBranches, listCommits } from './history.ts';
import { chosenOptions } from './launch-options.ts';
import { launchPage } from './launch-page.ts';
import { findProject, resolveLaunch } from './launch-target.ts';
import { isOwnNavigation, pathOf, rootOf } from './navigation.ts';
import { createPageSender } from './page-sender.ts';
import { listProjects } from './projects.ts';
import { sessionsPage } from './sessions-page.ts';

export interface PagesParts {
  config: Pick<Config, 'version' | 'request'> & { readonly sessions: Pick<Config['sessions'], 'storage'> };
  gitlab: GitLab & GitLabHistory;
  log: Logger;
}

/** Returns the routes of the pages and of their projects, branches and commits. Mounted at the service's prefix. */
export function pagesRoutes({ config, gitlab, log }: PagesParts): Router {
  const assets = loadAssets();
  log.debug({ version: assets.version }, 'the pages are loaded');
  const sender = createPageSender({
    serviceVersion: config.version,
    assetsVersion: assets.version,
    deadlineMs: config.request.deadline_ms,
    hasVolumes: config.sessions.storage.pvs_enabled,
  });
  const routes = createRoutes();

  routes.router.use('/assets', assets.router);

  routes.get('/', (req, res) => {
    const path = pathOf(req);
    // Without the trailing slash, every relative URL on the page would be one level too high.
    if (!path.endsWith('/')) return res.redirect(308, `${path.split('/').at(-1)}/`);
    const { identity } = contextOf(res);
    sender.send(req, res, 200, {
      title: 'Notebook Sessions',
      script: 'sessions.js',
      body: () => sessionsPage(identity),
    });
  });

  routes.get('/launch/{namespace}/{project}', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    const { namespace, project } = req.params;
    const target = await resolveLaunch(
      {
        gitlab,
        identity,
        path: `${namespace}/${project}`,
        ref: req.query.ref || undefined,
        branch: req.query.branch || undefined,
      },
      deadline,
    );
    const options = chosenOptions(req.query);
    // The user must confirm the options, because a link on another site may name any image.
    const begin = options ? 'configure' : isOwnNavigation(req) ? 'launch' : 'consent';
    sender.send(req, res, 200, {
      title: `${target.project.name} · Notebook Sessions`,
      script: 'launch.js',
      body: () => launchPage(target, { begin, options: options ?? {}, root: rootOf(req) }),
    });
  });

  routes.get('/projects/{namespace_project}/autosaves', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    const project = await findProject(gitlab, identity, req.params.namespace_project, deadline);
    sender.send(req, res, 200, {
      title: `Autosaves of ${project.name} · Notebook Sessions`,
      script: 'autosaves.js',
      body: (root) => autosavesPage(project, identity, root),
    });
  });

  routes.get('/projects', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    const { search, page = 1 } = req.query;
    res.json({ projects: await listProjects({ gitlab, identity, search, page }, deadline) });
  });

  routes.get('/projects/{namespace_project}/branches', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    const { search, page = 1 } = req.query;
    const project = req.params.namespace_project;
    res.json(await listBranches({ gitlab, identity, project, page, search }, deadline));
  });

  routes.get('/projects/{namespace_project}/commits', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    const { ref, page = 1 } = req.query;
    const project = req.params.namespace_project;
    res.json(await listCommits({ gitlab, identity, project, page, ref }, deadline));
  });

  return routes.router;
}
