import { Router } from 'express';
import type { Config } from '../config/types.ts';
import type { ServerOptionsResponse } from '../generated/openapi.ts';

type Choices = Pick<ServerOptionsResponse, 'defaultUrl' | 'lfs_auto_fetch'>;

/** `GET /server_options`: the choices of a launch form, as the original gives them. */
export function optionsRoutes({
  server_options,
  cloud_storage: { s3, azure_blob },
}: Pick<Config, 'server_options' | 'cloud_storage'>): Router {
  const body: ServerOptionsResponse = {
    ...choicesOf(server_options),
    cloudstorage: { s3: { enabled: s3.enabled }, azure_blob: { enabled: azure_blob.enabled } },
  };
  const router = Router();
  router.get('/server_options', (_req, res) => {
    res.json(body);
  });
  return router;
}

/** Those of the configuration; where it has none at all, its defaults as the only ones, so that no form is empty. */
function choicesOf({ ui_choices: { defaultUrl, lfs_auto_fetch }, defaults }: Config['server_options']): Choices {
  if (!defaultUrl && !lfs_auto_fetch) {
    return {
      defaultUrl: {
        order: 1,
        displayName: 'Default Environment',
        type: 'enum',
        default: defaults.defaultUrl,
        options: [defaults.defaultUrl],
      },
      lfs_auto_fetch: {
        order: 2,
        displayName: 'Automatically fetch LFS data',
        type: 'boolean',
        default: defaults.lfs_auto_fetch,
      },
    };
  }
  return {
    ...(defaultUrl ? { defaultUrl: { ...defaultUrl, type: 'enum', options: [...defaultUrl.options] } } : {}),
    ...(lfs_auto_fetch ? { lfs_auto_fetch: { ...lfs_auto_fetch, type: 'boolean' } } : {}),
  };
}
