import { Router } from 'express';
import type { Config } from '../config/types.ts';
import type { ServerOptionsResponse } from '../generated/openapi.ts';

/** `GET /server_options`: the configured choices of a launch form, as the original gives them. */
export function optionsRoutes({
  server_options,
  cloud_storage,
}: Pick<Config, 'server_options' | 'cloud_storage'>): Router {
  const { defaultUrl, lfs_auto_fetch } = server_options.ui_choices;
  const body: ServerOptionsResponse = {
    ...(defaultUrl ? { defaultUrl: { ...defaultUrl, type: 'enum', options: [...defaultUrl.options] } } : {}),
    ...(lfs_auto_fetch ? { lfs_auto_fetch: { ...lfs_auto_fetch, type: 'boolean' } } : {}),
    cloudstorage: {
      s3: { enabled: cloud_storage.s3.enabled },
      azure_blob: { enabled: cloud_storage.azure_blob.enabled },
    },
  };
  const router = Router();
  router.get('/server_options', (_req, res) => {
    res.json(body);
  });
  return router;
}
