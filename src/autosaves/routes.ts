import { Router } from 'express';
import type { Config } from '../config/types.ts';
import type { AutosavesList } from '../generated/openapi.ts';
import { contextOf } from '../request-context.ts';
import { type AutosaveGitLab, deleteAutosave, listAutosaves } from './autosaves.ts';
import { presentAutosave } from './present.ts';

/**
 * `/<project>/autosave`. The pipeline has made one segment of each part that may have slashes, and the OpenAPI document
 * has decided about the shape of the request before a handler runs.
 */
export function autosaveRoutes({ gitlab, config }: { gitlab: AutosaveGitLab; config: Config }): Router {
  const router = Router();

  router.get('/:namespace_project/autosave', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    const autosaves = await listAutosaves(gitlab, identity, req.params.namespace_project, deadline);
    res.json({
      pvsSupport: config.sessions.storage.pvs_enabled,
      autosaves: autosaves.map(presentAutosave),
    } satisfies AutosavesList);
  });

  router.delete('/:namespace_project/autosave/:autosave_name', async (req, res) => {
    const { identity, deadline, log } = contextOf(res);
    const { namespace_project: project, autosave_name: name } = req.params;
    await deleteAutosave(gitlab, identity, project, name, deadline);
    log.info({ project, autosave: name }, 'autosave deleted');
    res.status(204).end();
  });

  return router;
}
