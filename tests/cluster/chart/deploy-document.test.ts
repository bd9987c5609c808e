import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { childLabels } from '../../../src/jupyter-server/labels.ts';
import { blocksOf, type Ran, runBlocks } from '../../support/document-commands.ts';
import { kubectl, programs, succeeded, template } from '../../support/helm.ts';

/**
 * The commands of docs/deploy.md on a real API server without nodes, exactly as they are written there, except that nothing waits
 * for pods. The CRD has another group, so that other tests keep theirs. No test runs the commands that build images or need pods.
 */

const root = join(import.meta.dirname, '..', '..', '..');
const blocks = blocksOf(readFileSync(join(root, 'docs', 'deploy.md'), 'utf8'));
const commands = blocks.filter(({ language, needs }) => language === 'sh' && needs !== 'pods' && needs !== 'build');
const snippets = blocks.filter(({ language }) => language === 'yaml').map(({ text }) => text);
const base = readFileSync(join(import.meta.dirname, 'values', 'anonymous.yaml'), 'utf8');
const group = 'deploy-document.example.org';
const childLabel = childLabels(group);
/** The name of the objects of the release `notebooks`. */
const release = 'notebooks-notebook-sessions';

const createObject = (object: object): string =>
  `kubectl create --namespace notebooks -f - <<'END'\n${JSON.stringify(object)}\nEND`;

let folder: string;
let kubeconfig: string;
let ran: Ran[];
let env: NodeJS.ProcessEnv;

beforeAll(() => {
  const controlPlane = inject('controlPlane');
  if (!controlPlane) return;
  kubeconfig = controlPlane.kubeconfig;
  folder = mkdtempSync(join(tmpdir(), 'deploy-document-'));
  for (const name of ['helm-chart', 'scripts']) symlinkSync(join(root, name), join(folder, name));
  const here = (command: string): string =>
    command
      .replaceAll(' --wait', '')
      .replaceAll(/^( *helm (?:install|upgrade) )/gm, `$1--set config.amalthea.group=${group} `)
      .replaceAll('jupyterservers.amalthea.dev', `jupyterservers.${group}`)
      .replaceAll('hand-over-to-amalthea', `hand-over-to-amalthea --resource jupyterservers.${group}`)
      .replaceAll(/kubectl (get|delete) jupyterservers\b(?!\.)/g, `kubectl $1 jupyterservers.${group}`);
  const amalthea = [
    'kubectl create deployment amalthea --image amalthea --namespace notebooks',
    'kubectl label deployment amalthea app.kubernetes.io/name=amalthea --namespace notebooks',
    createObject({
      apiVersion: `${group}/v1alpha1`,
      kind: 'JupyterServer',
      metadata: { name: 'ours' },
      spec: { jupyterServer: { hibernated: true } },
      status: { create_fn: { createdResources: {} } },
    }),
  ].join('\n');
  const session = {
    apiVersion: `${group}/v1alpha1`,
    kind: 'JupyterServer',
    metadata: { name: 'saved', annotations: { 'renku.io/branch': 'main' } },
    spec: { storage: { pvc: { enabled: true } } },
  };
  const claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'saved', labels: { [childLabel.parentName]: 'saved', [childLabel.parentUid]: 'former' } },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } },
  };
  const sessions = [session, claim].map(createObject).join('\n');
  const before = new Map([
    [commands.findIndex(({ needs }) => needs === 'amalthea'), amalthea],
    [commands.findIndex(({ text }) => text.includes('backup-sessions.json')), sessions],
  ]);
  const texts = commands.map(({ text }, index) => `${before.get(index) ?? ''}\n${here(text)}`);
  env = { ...process.env, KUBECONFIG: kubeconfig, PATH: [programs(), process.env['PATH']].join(delimiter) };
  ({ ran } = runBlocks(texts, { env, cwd: folder, timeoutMs: 280_000, flags: ['-e', '-o', 'pipefail'] }));
}, 300_000);
afterAll(() => {
  if (!kubeconfig) return;
  rmSync(folder, { recursive: true });
  kubectl(['delete', 'namespace', 'notebooks', 'notebooks-restored', '--wait=false'], kubeconfig);
  kubectl(['delete', 'crd', `jupyterservers.${group}`, '--wait=false'], kubeconfig);
});

describe('docs/deploy.md', () => {
  it('has commands that succeed', () => {
    expect(ran).toHaveLength(commands.length);
    expect(commands.length).toBeGreaterThan(8);
  });

  it('hands sessions over to Amalthea, which then does not count them as new', () => {
    const args = ['get', `jupyterservers.${group}`, 'ours', '--namespace', 'notebooks', '-o', 'json'];
    const { annotations } = JSON.parse(succeeded(kubectl(args, kubeconfig))).metadata;
    expect(JSON.parse(annotations['kopf.zalando.org/last-handled-configuration'])).toEqual({
      spec: { jupyterServer: { hibernated: true, resources: {} } },
    });
  });

  it('restores and hands over nothing while an operator runs for the namespace', () => {
    const spec = {
      holderIdentity: 'a-pod_1',
      leaseDurationSeconds: 15,
      renewTime: `${new Date().toISOString().slice(0, -1)}000Z`,
    };
    const lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'notebook-sessions-operator' },
      spec,
    };
    succeeded(kubectl(['create', '--namespace', 'notebooks', '-f', '-'], kubeconfig, JSON.stringify(lease)));
    const namespace = ['--namespace', 'notebooks'];
    for (const command of [
      ['helm-chart/restore', 'backup-secret.json', ...namespace],
      ['helm-chart/hand-over-to-amalthea', '--timeout', '0', ...namespace],
    ]) {
      const { status, stderr } = spawnSync('bash', command, { cwd: folder, env, encoding: 'utf8', timeout: 60_000 });
      expect(status).toBe(1);
      expect(stderr).toContain('The operator runs for the namespace notebooks: its leader is the pod a-pod');
    }
  });

  it('restores sessions with new owners of their claims, and the Secret for the new release', () => {
    const get = (...args: string[]) =>
      JSON.parse(succeeded(kubectl(['get', '--namespace', 'notebooks-restored', '-o', 'json', ...args], kubeconfig)));
    const session = get(`jupyterservers.${group}`, 'saved');
    const claim = get('pvc', 'saved');
    expect(session.metadata.annotations).toMatchObject({ 'renku.io/branch': 'main' });
    expect(claim.metadata.ownerReferences).toEqual([
      expect.objectContaining({ kind: 'JupyterServer', name: 'saved', uid: session.metadata.uid }),
    ]);
    expect(claim.metadata.labels).toMatchObject({ [childLabel.parentUid]: session.metadata.uid });
    const cookie = (namespace: string) =>
      JSON.parse(succeeded(kubectl(['get', 'secret', release, '-n', namespace, '-o', 'json'], kubeconfig))).data;
    expect(cookie('notebooks-restored')).toEqual(cookie('notebooks'));
  });

  it.each(snippets.map((text) => [text.trim().split('\n').slice(0, 3).join(' '), text]))(
    'has values that the chart accepts: %s',
    (_, text) => {
      writeFileSync(join(folder, 'snippet.yaml'), text);
      succeeded(template(base, { more: ['--values', join(folder, 'snippet.yaml')] }));
    },
  );
});
