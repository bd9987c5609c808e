import { describe, expect, it } from 'vitest';
import { type CloneVariables, cloneEnvironment } from '../../../tests/support/git-clone/run-clone.ts';
import { gitEnvironment } from './environment.ts';
import { readSettings } from './settings.ts';

const minimum: CloneVariables = {
  repositoryUrl: 'https://git.example.org/gitlab/group/project.git',
  branch: 'main',
  commitSha: '0123abc',
  mountPath: '/work/group/project/',
};
const read = (more: CloneVariables = {}) => readSettings(cloneEnvironment({ ...minimum, ...more }));

describe('settings', () => {
  it('have defaults for all variables that are optional in the original', () => {
    expect(read()).toEqual({
      repositoryUrl: minimum.repositoryUrl,
      branch: 'main',
      commit: '0123abc',
      directory: '/work/group/project',
      serverUrl: minimum.repositoryUrl,
      token: null,
      identity: { name: null, email: null },
      lfsAutoFetch: false,
      tokenFile: null,
      privateFolder: undefined,
      username: null,
      recovers: false,
      keepsVolume: false,
      isPartial: false,
      storageMount: null,
      waitMs: 120_000,
    });
    expect(read({ oauthToken: '', fullName: '', email: '', gitUrl: '', lfsAutoFetch: '' })).toEqual(read());
  });

  it.each<CloneVariables>([
    { repositoryUrl: 'file:///etc' },
    { repositoryUrl: 'ext::sh -c id' },
    { repositoryUrl: '-uhttps://git.example.org/x' },
    { repositoryUrl: 'https://user:password@git.example.org/x.git' },
    { repositoryUrl: 'https://git.example.org/x.git?y' },
    { repositoryUrl: 'https://git.example.org/x y.git' },
    { gitUrl: 'https://user@git.example.org' },
    { branch: '-b' },
    { branch: 'a..b' },
    { branch: 'a b' },
    { branch: 'a\nb' },
    { branch: 'main@{1}' },
    { branch: '*' },
    { branch: '/main' },
    { branch: 'x'.repeat(256) },
    { commitSha: '--orphan' },
    { commitSha: 'main~1' },
    { commitSha: 'HEAD:secret' },
    { mountPath: 'relative' },
    { mountPath: '/' },
    { mountPath: '/..' },
    { oauthToken: 'two\nlines' },
    { lfsAutoFetch: 'yes' },
    { timeoutSeconds: '0' },
    { timeoutSeconds: '1e3' },
  ])('are rejected: %j', (wrong) => {
    expect(() => read(wrong)).toThrow(
      expect.objectContaining({
        exitCode: 200,
        message: expect.stringMatching(/^The session's configuration is invalid: GIT_CLONE_/),
      }),
    );
  });

  it('never contain the token in an error, also if the token is invalid', () => {
    expect(() => read({ oauthToken: 'secret token' })).toThrow(
      expect.not.objectContaining({ message: expect.stringMatching(/secret/) }),
    );
  });
});

describe("git's environment", () => {
  it("contains all variables of the caller except git's", () => {
    const inherited = {
      PATH: '/bin',
      MARKER: 'pod-1',
      GIT_DIR: '/elsewhere',
      GIT_TRACE_CURL: '1',
      GIT_CLONE_USER__OAUTH_TOKEN: 'secret',
      HTTPS_PROXY: 'http://proxy:3128',
      SSL_CERT_FILE: '/etc/ssl/platform.crt',
      EMPTY: undefined,
    };
    const environment = gitEnvironment(read({ oauthToken: 'secret' }), inherited);
    expect(environment).toMatchObject({
      PATH: '/bin',
      MARKER: 'pod-1',
      HTTPS_PROXY: 'http://proxy:3128',
      GIT_SSL_CAINFO: '/etc/ssl/platform.crt',
      GIT_CONFIG_NOSYSTEM: '1',
    });
    for (const name of ['GIT_DIR', 'GIT_TRACE_CURL', 'GIT_CLONE_USER__OAUTH_TOKEN', 'EMPTY'])
      expect(environment).not.toHaveProperty(name);
    expect(Object.values(environment).filter((value) => value.includes('secret'))).toEqual(['secret']);
    expect(gitEnvironment(read(), { SSL_CERT_FILE: '/a', GIT_SSL_CAINFO: '/b' })['GIT_SSL_CAINFO']).toBe('/b');
  });
});
