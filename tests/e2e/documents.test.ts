import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect as connectTcp, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { jupyterLab, runCell } from '../browser/jupyterlab.ts';
import { blocksOf, type Ran, runBlocks } from '../support/document-commands.ts';
import { openBrowser } from './browser.ts';
import { exampleRegistry, ingressAddress } from './cluster/addresses.ts';
import { helm } from './helm.ts';
import { apply, platform } from './platform.ts';

/**
 * The commands of the README and of docs/deploy.md that build images or need pods, as they are written there. `here` adds what
 * differs: the cluster has no way to gitlab.com, and another release has installed the CRD.
 */

const root = join(import.meta.dirname, '..', '..');
let folder: string;
let browser: Browser;
let computer: Server;

/** Returns the blocks of shell commands between two headings of a document. */
function commandsIn(document: string, heading: string): string[] {
  const text = readFileSync(join(root, document), 'utf8');
  const [, section = ''] = new RegExp(`^## ${heading}$(.*?)(?=^## )`, 'ms').exec(text) ?? [];
  return blocksOf(section).flatMap(({ language, text: commands }) => (language === 'sh' ? [commands] : []));
}

/** Adds to commands of helm what differs in this cluster. The chart's files and all other values are those of the document. */
const here = (commands: string): string =>
  commands
    .replaceAll(/^ *helm (install|upgrade) /gm, '$&--set crd.install=false ')
    .replaceAll('--values helm-chart/notebook-sessions/demo.yaml', `$& --values ${folder}/gitlab.yaml`);

function runHere(commands: readonly string[], cwd: string): Ran[] {
  const { cluster } = platform();
  const env = {
    ...process.env,
    KUBECONFIG: cluster.controlPlane.kubeconfig,
    PATH: [cluster.programs, process.env['PATH']].join(delimiter),
    // The login and the authority of the registry of the test.
    REGISTRY_AUTH_FILE: join(folder, 'login.json'),
    SSL_CERT_FILE: join(folder, 'authorities.crt'),
    // Much faster than gzip.
    CONTAINERS_CONF: join(folder, 'containers.conf'),
  };
  const flags = ['-e', '-o', 'pipefail'];
  return runBlocks(commands.map(here), { env, cwd, timeoutMs: 600_000, flags }).ran;
}

beforeAll(async () => {
  if (inject('e2e') === undefined) return;
  const { cluster, backends } = platform();
  folder = mkdtempSync(join(tmpdir(), 'documents-'));
  for (const name of ['helm-chart', 'scripts']) symlinkSync(join(root, name), join(folder, name));
  const write = (name: string, content: string) => writeFileSync(join(folder, name), content, { mode: 0o600 });
  const auth = Buffer.from(`${cluster.registry.user}:${cluster.registry.password}`).toString('base64');
  write('login.json', JSON.stringify({ auths: { [exampleRegistry]: { auth } } }));
  const authorities = ['/etc/ssl/certs/ca-certificates.crt', cluster.authority];
  write('authorities.crt', authorities.map((file) => readFileSync(file, 'utf8')).join('\n'));
  write('containers.conf', '[engine]\ncompression_format = "zstd"\n');
  const git = { url: backends.gitUrl, registry: cluster.registry.host };
  write('gitlab.yaml', JSON.stringify({ customCAs: [{ secret: 'company-ca' }], config: { git } }));
  browser = await openBrowser();
  // An ingress controller on your own computer, as kind and k3d have one.
  computer = createServer((client) => {
    const upstream = connectTcp(80, ingressAddress);
    client.on('error', () => upstream.destroy()).pipe(upstream);
    upstream.on('error', () => client.destroy()).pipe(client);
  });
  await new Promise<void>((resolve, reject) => computer.on('error', reject).listen(80, '127.0.0.1', resolve));
});
afterAll(async () => {
  if (inject('e2e') === undefined) return;
  await browser?.close();
  computer?.close();
  rmSync(folder, { recursive: true });
});

/** Removes a release with its namespace, also before the test runs again. */
async function removeRelease(name: string): Promise<void> {
  const { cluster, kubectl } = platform();
  await kubectl(['delete', 'jupyterservers', '--all', '--namespace', name]);
  await helm(cluster, ['uninstall', '--ignore-not-found', name, '--namespace', name, '--wait']);
  await kubectl(['delete', 'namespace', name, '--ignore-not-found'], { timeout: 180_000 });
}

describe('the commands of the README', () => {
  it('build and push the images and install the demo, and the printed address leads to JupyterLab in a browser', {
    timeout: 900_000,
  }, async () => {
    onTestFinished(() => removeRelease('demo'), 400_000);
    const { authority } = platform().cluster;
    await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'demo' } });
    await apply({
      ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'company-ca', namespace: 'demo' } },
      data: { 'company.crt': readFileSync(authority).toString('base64') },
    });
    const [{ output = '' } = {}] = runHere(commandsIn('README.md', 'Deploy on Kubernetes'), root);
    // The commands that wait for the pods and test the API are in the output, too.
    const printed = output.match(/^ {2}(kubectl|helm) .*\n/gm) ?? [];
    expect(printed).toHaveLength(2);
    runHere(printed, root);
    const [, address = ''] = /^Then open (\S+)$/m.exec(output) ?? [];
    expect(address).toBe('http://notebooks.localhost/notebooks/docs/');
    const page = await browser.newPage();
    await page.goto(address);
    await page.getByText('/servers', { exact: false }).first().waitFor({ timeout: 120_000 });
    await page.goto(new URL('../launch/demo/first-light', address).href);
    await page.waitForURL(/^http:\/\/sessions\.localhost\//, { timeout: 240_000 });
    await jupyterLab(page);
    expect(await runCell(page, 'print(6 * 7)')).toBe('42');
  });
});

describe('the commands of docs/deploy.md', () => {
  it('install, test, upgrade and roll back a release, and wait for its pods', { timeout: 900_000 }, () => {
    onTestFinished(() => removeRelease('notebooks'), 400_000);
    const isBuild = (block: string) => block.includes('scripts/build-images');
    const install = commandsIn('docs/deploy.md', 'Install');
    expect(runHere(install.filter(isBuild), root).map(({ exitCode }) => exitCode)).toEqual([0]);
    const [upgrade = ''] = commandsIn('docs/deploy.md', 'Upgrade, roll back, remove');
    expect(upgrade).toContain('helm rollback');
    const ran = runHere([...install.filter((block) => !isBuild(block)), upgrade], folder);
    expect(ran.map(({ output }) => output).join('\n')).toMatch(/Phase: +Succeeded/);
  });
});
