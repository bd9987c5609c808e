import type { Router } from 'express';
import type { Config } from '../config/types.ts';
import { createRoutes } from '../pipeline/route.ts';
import { contextOf } from '../request-context.ts';
import { type AutosaveGitLab, compareAutosave, deleteAutosave, listAutosaves } from './autosaves.ts';
import { presentContent } from './content.ts';
import { presentAutosave } from './present.ts';

/** `/<project>/autosave`. The pipeline has encoded the slashes of the project and of the autosave's name. */
export function autosaveRoutes({
  gitlab,
  config,
}: {
  gitlab: AutosaveGitLab;
  config: Pick<Config, 'sessions'>;
}): Router {
  const routes = createRoutes();

  routes.get('/{namespace_project}/autosave', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    const autosaves = await listAutosaves(gitlab, identity, req.params.namespace_project, deadline);
    res.json({
      pvsSupport: config.sessions.storage.pvs_enabled,
      autosaves: autosaves.map(presentAutosave),
    });
  });

  routes.get('/{namespace_project}/autosave/{autosave_name}', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    const { namespace_project: project, autosave_name: name } = req.params;
    const { autosave, comparison } = await compareAutosave(gitlab, identity, project, name, deadline);
    res.json(presentContent(name, autosave, comparison));
  });

  routes.delete('/{namespace_project}/autosave/{autosave_name}', async (req, res) => {
    const { identity, deadline, log } = contextOf(res);
    const { namespace_project: project, autosave_name: name } = req.params;
    await deleteAutosave(gitlab, identity, project, name, deadline);
    log.info({ project, autosave: name }, 'autosave deleted');
    res.status(204).end();
  });

  return routes.router;
}
