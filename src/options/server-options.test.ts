import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { startApp } from '../../tests/support/app.ts';
import { ConfigError, loadConfig } from '../config/load.ts';
import type { ResourceClass, ResourcePool } from '../platform/resource-classes/types.ts';
import { chooseResources } from './resource-classes.ts';
import { optionsRoutes } from './routes.ts';

const directory = mkdtempSync(join(tmpdir(), 'server-options-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** As the chart of the original writes it: more choices than are used. */
const choices = {
  defaultUrl: {
    order: 2,
    displayName: 'Default Environment',
    type: 'enum',
    default: '/lab',
    options: ['/lab', '/rstudio'],
  },
  cpu_request: { order: 3, displayName: 'Number of CPUs', type: 'enum', default: 0.5, options: [0.5, 1] },
  lfs_auto_fetch: { order: 4, displayName: 'Automatically fetch LFS data', type: 'boolean', default: false },
};
const defaults = { defaultUrl: '/rstudio', cpu_request: 0.5, mem_request: '1G', lfs_auto_fetch: true };

function file(name: string, content: unknown): string {
  const path = join(directory, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const environment = (env: Record<string, string>) => ({ NB_SESSIONS__INGRESS__HOST: 'sessions.example.org', ...env });

async function served(env: Record<string, string>): Promise<unknown> {
  const { config } = loadConfig(environment(env));
  await using app = await startApp({ routes: [optionsRoutes(config, async () => config.resource_pools)] });
  const answer = await app.send({ path: '/notebooks/server_options' });
  expect(answer.status, answer.text).toBe(200);
  return answer.json();
}

function reasons(path: string): string[] {
  try {
    loadConfig(environment({ NB_SERVER_OPTIONS__UI_CHOICES_PATH: path }));
  } catch (error) {
    if (error instanceof ConfigError) return error.errors.map(({ key, reason }) => `${key} ${reason}`);
    throw error;
  }
  return [];
}

describe('server_options', () => {
  it('are the options of a file of the original, and the flags of both kinds of cloud storage', async () => {
    const env = {
      NB_SERVER_OPTIONS__UI_CHOICES_PATH: file('choices.json', choices),
      NB_SERVER_OPTIONS__DEFAULTS_PATH: file('defaults.json', defaults),
      NB_CLOUD_STORAGE__AZURE_BLOB__ENABLED: 'true',
    };
    expect(await served(env)).toEqual({
      defaultUrl: choices.defaultUrl,
      lfs_auto_fetch: choices.lfs_auto_fetch,
      cloudstorage: { s3: { enabled: false }, azure_blob: { enabled: true } },
    });
  });

  it('omit the options that the file omits', async () => {
    const { lfs_auto_fetch } = choices;
    expect(await served({ NB_SERVER_OPTIONS__UI_CHOICES_PATH: file('one.json', { lfs_auto_fetch }) })).toEqual({
      lfs_auto_fetch,
      cloudstorage: { s3: { enabled: false }, azure_blob: { enabled: false } },
    });
  });

  it('are the defaults without a file', async () => {
    expect(await served({ NB_SERVER_OPTIONS__DEFAULTS_PATH: file('only.json', defaults) })).toMatchObject({
      defaultUrl: { order: 1, type: 'enum', default: '/rstudio', options: ['/rstudio'] },
      lfs_auto_fetch: { type: 'boolean', default: true },
    });
  });

  it('require an identity', async () => {
    const { config } = loadConfig(environment({}));
    await using closed = await startApp({
      routes: [optionsRoutes(config, async () => config.resource_pools)],
      env: { NB_ANONYMOUS_SESSIONS_ENABLED: 'false' },
    });
    expect((await closed.send({ path: '/notebooks/server_options' })).status).toBe(401);
  });
});

describe('an invalid file', () => {
  it.each([
    [join(directory, 'none.json'), /ui_choices_path names a file that cannot be read/],
    [file('broken.json', '{'), /ui_choices_path names a file that is not JSON/],
    [file('list.json', []), /ui_choices_path names a file without a JSON object/],
    [
      file('bad.json', { defaultUrl: { ...choices.defaultUrl, order: 0 }, lfs_auto_fetch: { order: 1 } }),
      /defaultUrl\.order must be a whole number from 1;.*lfs_auto_fetch\.displayName is required/,
    ],
  ])('is a configuration error with a reason: %s', (path, reason) => {
    expect(reasons(path).join(';')).toMatch(reason);
  });
});

describe('resource_classes', () => {
  it('are the classes of all pools, with the default class of a launch as the only default', async () => {
    const sized = (id: number, isDefault: boolean): ResourceClass => ({
      id,
      name: `class-${id}`,
      default: isDefault,
      cpu: 0.5,
      memory: 1,
      gpu: 0,
      default_storage: 1,
      max_storage: 20,
    });
    const pools: ResourcePool[] = [
      { id: 1, name: 'big', default: false, quota: null, classes: [sized(1, true)] },
      {
        id: 2,
        name: 'public',
        default: true,
        quota: { id: 'secret-quota' },
        classes: [sized(2, false), sized(3, true)],
      },
      { id: 3, name: 'other', default: true, quota: null, classes: [sized(4, true)] },
    ];
    const { config } = loadConfig(environment({}));
    await using app = await startApp({ routes: [optionsRoutes(config, async () => pools)] });
    const answer = await app.send({ path: '/notebooks/resource_classes' });
    expect(answer.json()).toEqual({
      resource_classes: [
        { ...sized(1, false), pool: 'big' },
        { ...sized(2, false), pool: 'public' },
        { ...sized(3, true), pool: 'public' },
        { ...sized(4, false), pool: 'other' },
      ],
    });
    const { classId } = chooseResources(pools, { classId: undefined, legacy: undefined, storage: undefined });
    expect(classId).toBe(3);
  });
});
