import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import packageJson from '../../package.json' with { type: 'json' };
import { deleteLayer, type ImageConfig, pushImage } from './cluster/registry.ts';
import { pushProgram, type TestCluster } from './cluster/start.ts';
import { chart } from './helm.ts';

/** Images that users name in launches: the files of the session image or of another one, with another configuration. */
export const images = {
  private: 'private/session:1',
  /** Only for the test of an expired sign-in, so that no node has it before. */
  expired: 'private/expired:1',
  crashing: 'projects/crashing:1',
  /** The entrypoint is a Jupyter server. */
  server: 'projects/server:1',
  /** As `server`, but the entrypoint does not show it. */
  hiddenServer: 'projects/hidden-server:1',
  /** The session image. The release lets the supervisor run in the images below `supervised`. */
  supervised: 'projects/supervised/session:1',
  /** The entrypoint is a script, which runs its arguments. With the mode `auto`, the supervisor does not run in this image. */
  ownEntrypoint: 'projects/own-entrypoint:1',
  /** Without a Python that programs find. */
  withoutPython: 'projects/supervised/without-python:1',
  /** The home folder is read-only. */
  readOnlyHome: 'projects/supervised/read-only-home:1',
  silent: 'projects/silent:1',
  /** The registry has the manifest, but not the layer. */
  incomplete: 'projects/incomplete:1',
  withoutJupyter: 'projects/without-jupyter:1',
  foreign: 'projects/foreign:1',
} as const;

/** Runs its arguments without the folders of Python in PATH. Jupyter itself knows where its Python is. */
const withoutPython = `mkdir /tmp/bin
for each in sh mkdir rm jupyter; do ln -s "$(command -v $each)" /tmp/bin/; done
export PATH=/tmp/bin
exec "$@"`;

/** Returns the reference of an image, as a launch names it. */
export const imageReference = ({ registry }: TestCluster, image: keyof typeof images): string =>
  `${registry.host}/${images[image]}`;

/** Pushes the images of the Dockerfile, with their names and the version as their tag, `images`, and the images of proxies. */
export async function pushImages(cluster: TestCluster, folder: string): Promise<void> {
  const { registry } = cluster;
  const push = async (name: string) => {
    const config = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as ImageConfig;
    const image = { name: `notebook-sessions/${name}:${packageJson.version}`, root: join(folder, name), config };
    return { config, root: await pushImage(registry, image) };
  };
  await push('service');
  await push('operator');
  await push('session-tools');
  const certificates = await push('certificates');
  const session = await push('session');
  const script = (code: string) => ({ ...session.config, Entrypoint: ['/bin/sh', '-c', code, 'sh'] });
  const expired = { ...session.config, Env: [...(session.config.Env ?? []), 'EXPIRED=1'] };
  const server = { ...session.config, Entrypoint: ['jupyter', 'lab'], Cmd: [] };
  await pushImage(registry, { ...session, name: images.private });
  await pushImage(registry, { ...session, name: images.expired, config: expired });
  await pushImage(registry, {
    ...session,
    name: images.crashing,
    config: script('echo "no licence found" >&2; exit 3'),
  });
  await pushImage(registry, { ...session, name: images.server, config: server });
  await pushImage(registry, { ...session, name: images.hiddenServer, config: script('exec jupyter lab "$@"') });
  await pushImage(registry, { ...session, name: images.supervised });
  await pushImage(registry, { ...session, name: images.ownEntrypoint, config: script('exec "$@"') });
  await pushImage(registry, { ...session, name: images.withoutPython, config: script(withoutPython) });
  await pushImage(registry, {
    ...session,
    name: images.readOnlyHome,
    config: script('chmod a-w /home/jovyan && exec "$@"'),
  });
  await pushImage(registry, {
    ...session,
    name: images.silent,
    config: script('echo "I only wait"; exec sleep infinity'),
  });
  await pushIncomplete(cluster, session.config);
  const { Entrypoint: _, ...withoutEntrypoint } = certificates.config;
  await pushImage(registry, { ...certificates, name: images.withoutJupyter, config: withoutEntrypoint });
  const architecture = process.arch === 'arm64' ? 'amd64' : 'arm64';
  await pushImage(registry, { ...session, name: images.foreign, architecture });

  // The names without the registries' hosts: nodes pull every image from the registry of the cluster.
  const { oauth2Proxy, passthroughProxy } = chartValues().images;
  const name = ({ repository, tag }: ImageValue) => `${repository.replace(/^[^/]+\//, '')}:${tag}`;
  await pushProgram(cluster, name(oauth2Proxy), 'oauth2-proxy');
  await pushProgram(cluster, name(passthroughProxy), 'passthrough');
}

async function pushIncomplete({ registry, folder }: TestCluster, config: ImageConfig): Promise<void> {
  const root = mkdtempSync(join(folder, 'image-'));
  // A layer that no other image has: a node would not download it again.
  writeFileSync(join(root, 'random'), randomBytes(16));
  await deleteLayer(registry, await pushImage(registry, { name: images.incomplete, root, config }));
  rmSync(root, { recursive: true });
}

interface ImageValue {
  readonly repository: string;
  readonly tag: string;
}

function chartValues(): { images: Record<'oauth2Proxy' | 'passthroughProxy', ImageValue> } {
  return parse(readFileSync(join(chart, 'values.yaml'), 'utf8'));
}
