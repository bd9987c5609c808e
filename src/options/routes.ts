import type { Router } from 'express';
import type { Config } from '../config/types.ts';
import type { ResourceClassesResponse, ServerOptionsResponse } from '../generated/openapi.ts';
import { createRoutes } from '../pipeline/route.ts';
import { contextOf } from '../request-context.ts';
import type { OfferedPools } from './resource-classes.ts';

type Choices = Pick<ServerOptionsResponse, 'defaultUrl' | 'lfs_auto_fetch'>;

/** Returns `GET /server_options`, the options of the original service's launch form, and `GET /resource_classes`. */
export function optionsRoutes(
  { server_options, cloud_storage: { s3, azure_blob } }: Pick<Config, 'server_options' | 'cloud_storage'>,
  offered: OfferedPools,
): Router {
  const body: ServerOptionsResponse = {
    ...choicesOf(server_options),
    cloudstorage: { s3: { enabled: s3.enabled }, azure_blob: { enabled: azure_blob.enabled } },
  };
  const routes = createRoutes();
  routes.get('/server_options', (_req, res) => {
    res.json(body);
  });
  routes.get('/resource_classes', async (_req, res) => {
    const { identity, deadline } = contextOf(res);
    res.json(classesOf(await offered(identity, deadline)));
  });
  return routes.router;
}

/** Returns all classes in one list. The default class is the one that `chooseResources` uses. */
function classesOf(pools: Awaited<ReturnType<OfferedPools>>): ResourceClassesResponse {
  const main = pools.find((pool) => pool.default && pool.classes.some((each) => each.default));
  return {
    resource_classes: pools.flatMap((pool) =>
      pool.classes.map((each) => ({
        id: each.id,
        name: each.name,
        pool: pool.name,
        default: pool === main && each === main.classes.find((other) => other.default),
        cpu: each.cpu,
        memory: each.memory,
        gpu: each.gpu,
        default_storage: each.default_storage,
        max_storage: each.max_storage,
      })),
    ),
  };
}

/** Returns the options of the configuration. Without any, the defaults are the only options, so that no form is empty. */
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
