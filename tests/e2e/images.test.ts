import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import packageLock from '../../package-lock.json' with { type: 'json' };
import { runOf } from './cluster/run-of.ts';
import { platform } from './platform.ts';

/** The images of the Dockerfile: the files that are in them, and pods that have as few privileges as possible. */

const root = join(import.meta.dirname, '..', '..');
const targets = ['service', 'operator', 'session-tools', 'certificates', 'session'] as const;
type Target = (typeof targets)[number];

let images: string;
beforeAll(() => {
  if (inject('e2e') !== undefined) ({ images } = runOf(process.env));
});

const configOf = (target: Target) => JSON.parse(readFileSync(join(images, `${target}.json`), 'utf8'));

/** Returns inode, size and path of each file of an image, without a slash at the beginning. Symbolic links are files. */
function list(target: Target): { inode: string; size: number; path: string }[] {
  const args = [join(images, target), '!', '-type', 'd', '-printf', '%i %s %P\\0'];
  const { stdout } = spawnSync('find', args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  return stdout
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => {
      const [, inode = '', size = '', path = ''] = /^(\d+) (\d+) (.*)$/s.exec(line) ?? [];
      return { inode, size: Number(size), path };
    });
}

const filesOf = (target: Target): string[] => list(target).map(({ path }) => path);

/** Returns the size of the files of an image; a file with several names counts once. */
function megabytesOf(target: Target): number {
  const sizes = new Map(list(target).map(({ inode, size }) => [inode, size]));
  return [...sizes.values()].reduce((sum, size) => sum + size, 0) / 1e6;
}

describe('the images', () => {
  it('run as a user with a number that is not root, and have SIGTERM as their stop signal', () => {
    for (const target of targets) {
      const { User, StopSignal } = configOf(target);
      expect([target, User, StopSignal]).toEqual([target, expect.stringMatching(/^1000:1000?$/), 'SIGTERM']);
    }
  });

  it('of the service and the operator have the same files, no shell, and less than 250 MB', () => {
    const files = filesOf('service').sort();
    expect(filesOf('operator').sort()).toEqual(files);
    expect(files.filter((file) => /(^|\/)(sh|bash|dash|busybox|apt-get|npm|perl|python3?)$/.test(file))).toEqual([]);
    const sizes = targets.map((target) => `${target} ${Math.round(megabytesOf(target))} MB`);
    process.stdout.write(`e2e: unpacked images: ${sizes.join(', ')}\n`);
    expect(megabytesOf('service')).toBeLessThan(250);
    expect(megabytesOf('operator')).toBeLessThan(250);
  });

  it('contain the packages of production in the versions of package-lock.json, and no other', () => {
    const installed = JSON.parse(readFileSync(join(images, 'service/app/node_modules/.package-lock.json'), 'utf8'));
    const versions = (packages: Record<string, { version?: string }>) =>
      Object.entries(packages).map(([path, { version }]) => `${path} ${version}`);
    const inImage = versions(installed.packages).filter((each) => !each.startsWith('node_modules/node-linux-'));
    const production = Object.entries(packageLock.packages).filter(
      ([path, entry]) => path !== '' && !('dev' in entry) && !('optional' in entry) && !('devOptional' in entry),
    );
    expect(inImage).toEqual(expect.arrayContaining(versions(Object.fromEntries(production))));
    expect(versions(packageLock.packages)).toEqual(expect.arrayContaining(inImage));
    expect(Object.entries(packageLock.packages).filter(([, entry]) => 'dev' in entry && entry.dev)).toSatisfy(
      (entries: [string, object][]) => entries.every(([path]) => !(path in installed.packages)),
    );
  });

  it('contain only files of this project that git tracks and programs use', () => {
    const tracked = spawnSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).stdout.split('\0');
    for (const target of ['service', 'session-tools'] as const) {
      const own = filesOf(target)
        .filter((file) => file.startsWith('app/') && !file.startsWith('app/node_modules/'))
        .map((file) => file.slice('app/'.length));
      // The programs are JavaScript that the build makes of the source.
      const sourceOf = (file: string) => file.replace(/\.js$/, '.ts');
      expect(own.filter((file) => !tracked.includes(file) && !tracked.includes(sourceOf(file)))).toEqual([]);
      expect(own.filter((file) => /\.test\.ts$|^src\/local\//.test(file))).toEqual([]);
    }
  });

  it('have the same files if Docker builds them with the base images of docker.io', { timeout: 1_800_000 }, (test) => {
    const docker = (args: string[], options = {}) =>
      spawnSync('docker', args, { encoding: 'utf8', maxBuffer: 1 << 28, ...options });
    const works = docker(['info']).status === 0 && docker(['pull', '--quiet', 'debian:trixie-slim']).status === 0;
    if (!works) {
      process.stdout.write(
        '\nATTENTION: the files of the images were NOT compared with a build by Docker (it is not here)\n\n',
      );
      test.skip('Docker with access to docker.io is not here');
    }
    const built = spawnSync(join(root, 'scripts/build-images'), ['--engine', 'docker', '--tag', 'e2e'], {
      stdio: 'inherit',
    });
    expect(built.status).toBe(0);
    for (const target of targets) {
      const container = docker(['create', `notebook-sessions/${target}:e2e`]).stdout.trim();
      const exported = spawnSync('sh', ['-c', `docker export ${container} | tar -t`], {
        encoding: 'utf8',
        maxBuffer: 1 << 28,
      });
      docker(['rm', container]);
      const names = exported.stdout.split('\n').filter((name) => name !== '' && !name.endsWith('/'));
      expect({ target, files: compared(names) }).toEqual({ target, files: compared(filesOf(target)) });
      const { Entrypoint, Cmd, User, Env, WorkingDir, StopSignal } = configOf(target);
      const inspected = JSON.parse(docker(['image', 'inspect', `notebook-sessions/${target}:e2e`]).stdout);
      expect(inspected[0].Config).toMatchObject({ Entrypoint, Cmd: Cmd ?? null, User, Env, WorkingDir, StopSignal });
    }
  });
});

/**
 * Returns the files to compare. The base images differ in the settings of apt and dpkg, and programs write caches and logs;
 * Docker adds files for the network of a container.
 */
function compared(files: readonly string[]): string[] {
  const differs =
    /^(\.dockerenv|(dev|proc|sys|run)\/|etc\/(hostname|hosts|resolv\.conf|mtab|machine-id|apt\/|dpkg\/|\.pwd\.lock)|var\/(cache|log|lib\/(apt|dpkg))\/)|-$|__pycache__/;
  return files.filter((file) => !differs.test(file)).sort();
}

describe('a pod without privileges', () => {
  const namespace = 'images';

  beforeAll(async () => {
    if (inject('e2e') === undefined) return;
    const { cluster, backends, kubectl } = platform();
    const image = (target: Target) => `${cluster.registry.host}/notebook-sessions/${target}:${packageJson.version}`;
    const securityContext = {
      ...{ runAsUser: 1000, runAsGroup: 100, readOnlyRootFilesystem: true },
      ...{ allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    };
    const certificates = { name: 'certificates', mountPath: '/etc/ssl/certs' };
    const variables = {
      GIT_CLONE_REPOSITORY_URL: `${backends.gitUrl}/demo/first-light.git`,
      GIT_CLONE_GIT_URL: backends.gitUrl,
      GIT_CLONE_COMMIT_SHA: backends.commits.public,
      GIT_CLONE_BRANCH: 'main',
      GIT_CLONE_USER__USERNAME: 'jane',
      GIT_CLONE_MOUNT_PATH: '/work/first-light',
      SSL_CERT_FILE: '/etc/ssl/certs/ca-certificates.crt',
    };
    const objects = [
      {
        ...{ apiVersion: 'v1', kind: 'Namespace' },
        metadata: { name: namespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
      },
      {
        ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'company-ca', namespace } },
        data: { 'company.crt': readFileSync(cluster.authority).toString('base64') },
      },
      {
        ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'session', namespace } },
        spec: {
          // Much longer than kubectl waits: the pod ends in time only if SIGTERM ends its program.
          terminationGracePeriodSeconds: 3600,
          automountServiceAccountToken: false,
          securityContext: { fsGroup: 100, runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
          initContainers: [
            {
              ...{ name: 'certificates', image: image('certificates'), securityContext },
              volumeMounts: [
                certificates,
                { name: 'own', mountPath: '/usr/local/share/ca-certificates', readOnly: true },
              ],
            },
            {
              ...{ name: 'git-clone', image: image('session-tools'), securityContext },
              env: Object.entries(variables).map(([name, value]) => ({ name, value })),
              volumeMounts: [{ name: 'home', mountPath: '/work' }, certificates],
            },
          ],
          containers: [
            {
              ...{ name: 'jupyter', image: image('session'), securityContext, workingDir: '/home/jovyan/first-light' },
              args: ['jupyter', 'notebook', '--ip=0.0.0.0', '--IdentityProvider.token=secret'],
              readinessProbe: { httpGet: { path: '/api', port: 8888 }, periodSeconds: 1 },
              volumeMounts: [
                { name: 'home', mountPath: '/home/jovyan' },
                { name: 'tmp', mountPath: '/tmp' },
              ],
            },
          ],
          volumes: [
            { name: 'certificates', emptyDir: { medium: 'Memory' } },
            { name: 'own', secret: { secretName: 'company-ca' } },
            { name: 'home', emptyDir: {} },
            { name: 'tmp', emptyDir: {} },
          ],
        },
      },
    ];
    const file = join(cluster.folder, 'images-test.json');
    writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    await kubectl(['apply', '-f', file]);
  });
  afterAll(async () => {
    if (inject('e2e') !== undefined) await platform().kubectl(['delete', 'namespace', namespace, '--wait=false']);
  });

  it('installs certificates, clones over TLS with them and runs the command "jupyter notebook"', {
    timeout: 480_000,
  }, async () => {
    const { kubectl } = platform();
    const wait = ['wait', '--namespace', namespace, '--for=condition=Ready', 'pod/session', '--timeout=400s'];
    await kubectl(wait, { timeout: 420_000 }).catch(async (error: unknown) => {
      const logs = await kubectl(['logs', '--namespace', namespace, 'session', '--all-containers', '--prefix']);
      throw new Error(`${String(error)}\n${logs}`);
    });
    const exec = (command: string) =>
      kubectl(['exec', '--namespace', namespace, 'session', '--', 'bash', '-lc', command]);
    expect(await exec('git rev-parse HEAD')).toContain(platform().backends.commits.public);
    const request = "curl -sS -H 'Authorization: token secret' -o /dev/null -w '%{http_code}' http://127.0.0.1:8888";
    expect(await exec(`${request}/lab`)).toBe('200');
    expect(await exec(`${request}/tree`)).toBe('200');
    expect(await exec('jupyter --version | grep -c . && id -u')).toMatch(/^\d+\n1000\n$/);
  });

  it('ends when it gets SIGTERM', async () => {
    const { kubectl } = platform();
    await kubectl(['delete', 'pod', '--namespace', namespace, 'session', '--timeout=60s'], { timeout: 90_000 });
  });
});
