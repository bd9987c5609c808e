import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { testConfig } from '../../../tests/support/sessions/config.ts';
import { examples, registered } from '../../../tests/support/sessions/manifests.ts';
import { ApiError } from '../../errors.ts';
import { buildJupyterServer } from './build.ts';

describe('the JupyterServer of a launch', () => {
  it.each(Object.entries(examples))('%s', async (name, { input, config }) => {
    const text = stringify(buildJupyterServer(input, config), { lineWidth: 0, aliasDuplicateObjects: false });
    await expect(text).toMatchFileSnapshot(`golden/${name}.yaml`);
  });

  it('is the same for the same input, byte by byte', () => {
    const twice = [1, 2].map(() => JSON.stringify(buildJupyterServer(structuredClone(registered), testConfig())));
    expect(twice[0]).toBe(twice[1]);
  });
});

describe('variables of the user', () => {
  const refusalOf = (environment: Record<string, string>): ApiError | undefined => {
    try {
      buildJupyterServer({ ...registered, environment }, testConfig());
    } catch (error) {
      if (error instanceof ApiError) return error;
      throw error;
    }
    return undefined;
  };

  it('cannot change a variable of the session or the operator', () => {
    const error = refusalOf({ NOTEBOOK_DIR: '/tmp', SERVER_APP_TOKEN: '', MINE: '1' });
    expect(error?.kind.code).toBe(1004);
    expect(error?.fields?.map(({ path }) => path)).toEqual([
      'body.environment_variables.NOTEBOOK_DIR',
      'body.environment_variables.SERVER_APP_TOKEN',
    ]);
  });

  it('can repeat a variable of the session with the same value; the variable is then set only once', () => {
    const environment = { PROJECT_NAME: 'my-project' };
    const text = JSON.stringify(buildJupyterServer({ ...registered, environment }, testConfig()));
    expect(text.match(/"PROJECT_NAME"/g)).toHaveLength(1);
  });

  it('are in the object without their values', () => {
    const environment = { GREETING: 'the-value-of-greeting' };
    const text = JSON.stringify(buildJupyterServer({ ...registered, environment }, testConfig()));
    expect(text).toContain('"key":"env.GREETING"');
    expect(text).not.toContain('the-value-of-greeting');
    expect(text).not.toContain('the-oidc-client-secret');
  });
});

describe('the working directory of an image', () => {
  const mountPath = (workingDir: string | null): string | undefined =>
    buildJupyterServer({ ...registered, image: { ...registered.image, workingDir } }, testConfig()).spec?.storage?.pvc
      ?.mountPath;

  it.each([
    [null, '/home/jovyan/work'],
    ['', '/work'],
    ['/', '/work'],
    ['/home/me/', '/home/me/work'],
    ['/a"; import os #', '/home/jovyan/work'],
    ['/a/../../etc', '/home/jovyan/work'],
    ['relative', '/home/jovyan/work'],
    ['/a\nb: c', '/home/jovyan/work'],
  ])('%j results in the mount path %s', (workingDir, expected) => {
    expect(mountPath(workingDir)).toBe(expected);
  });
});

describe('labels', () => {
  it('leave out values that Kubernetes does not allow, but never the owner', () => {
    const user = { ...registered.user, id: 'a:b', safeUsername: '-5fbob' };
    const { labels, annotations } = buildJupyterServer({ ...registered, user }, testConfig()).metadata;
    expect(labels).not.toHaveProperty(['renku.io/userId']);
    expect(labels).not.toHaveProperty(['renku.io/safe-username']);
    expect(labels?.['notebook-sessions.io/owner']).toBe('registered-abc');
    expect(annotations?.['renku.io/userId']).toBe('a:b');
  });
});
