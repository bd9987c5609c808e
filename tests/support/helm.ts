import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { loadConfig } from '../../src/config/load.ts';
import type { KubernetesObject } from '../../src/platform/kubernetes/objects.ts';
import { findPrograms } from '../cluster/control-plane.ts';

const root = join(import.meta.dirname, '..', '..');
export const chart = join(root, 'helm-chart', 'notebook-sessions');

/** The programs helm and kubectl, built from Go modules; undefined if Go is missing. HELM names another helm. */
const folder = findPrograms(['helm', 'kubectl']);

/** Returns the folder with helm and kubectl. Throws if Go is missing. */
export function programs(): string {
  if (folder === undefined) throw new Error('helm and kubectl are missing, and cannot be built without Go');
  return folder;
}

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: 'helm' | 'kubectl', args: readonly string[], kubeconfig?: string, input?: string): Outcome {
  const path = (program === 'helm' && process.env['HELM']) || join(programs(), program);
  const { status, stdout, stderr, error } = spawnSync(path, args, {
    encoding: 'utf8',
    input,
    env: { ...process.env, KUBECONFIG: kubeconfig ?? '/dev/null' },
    timeout: 60_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error) throw error;
  return { status, stdout, stderr };
}

/** Runs helm. Without `kubeconfig`, helm cannot connect to a cluster. */
export const helm = (args: readonly string[], kubeconfig?: string, input?: string): Outcome =>
  run('helm', args, kubeconfig, input);

export const kubectl = (args: readonly string[], kubeconfig: string, input?: string): Outcome =>
  run('kubectl', args, kubeconfig, input);

/** Returns the standard output. Throws with the standard error if the program failed. */
export function succeeded({ status, stdout, stderr }: Outcome): string {
  if (status !== 0) throw new Error(`exit code ${status}: ${stderr}${stdout}`);
  return stdout;
}

/** Helm itself assumes an old version of Kubernetes where it has no cluster. */
const kubeVersion = ['--kube-version', '1.36.0'];

/**
 * Runs `helm template` with values as YAML.
 * @param more other arguments, such as --set
 */
export function template(values: string, { namespace = 'platform', more = [] as readonly string[] } = {}): Outcome {
  return helm(
    ['template', 'test', chart, '--namespace', namespace, ...kubeVersion, '--values', '-', ...more],
    undefined,
    values,
  );
}

/** Runs `helm lint` with values as YAML. */
export function lint(values: string): Outcome {
  return helm(['lint', chart, '--strict', '--quiet', ...kubeVersion, '--values', '-'], undefined, values);
}

/** A rendered object, with any fields. */
export interface Rendered extends KubernetesObject {
  kind: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read fields of many kinds
  [field: string]: any;
}

/** Returns the objects of the output of `helm template`. */
export function objectsOf(output: string): Rendered[] {
  return parseAllDocuments(output)
    .map((document) => document.toJS() as Rendered | null)
    .filter((object) => object !== null);
}

/** Returns the objects that helm renders for values as YAML. */
export function render(values: string, options: Parameters<typeof template>[1] = {}): Rendered[] {
  return objectsOf(succeeded(template(values, options)));
}

/** Returns the only object of the kind whose component is this one; any component if none is given. */
export function the(objects: readonly Rendered[], kind: string, component?: string): Rendered {
  const found = objects.filter(
    (each) =>
      each.kind === kind &&
      (component === undefined || each.metadata.labels?.['app.kubernetes.io/component'] === component),
  );
  const [only, ...others] = found;
  if (!only || others.length > 0) throw new Error(`${found.length} objects of the kind ${kind}`);
  return only;
}

/** Returns the environment of the container of a rendered Deployment; variables from Secrets have the values of `objects`. */
export function environmentOf(objects: readonly Rendered[], component: 'service' | 'operator'): Record<string, string> {
  const [container] = the(objects, 'Deployment', component)['spec'].template.spec.containers;
  interface Variable {
    name: string;
    value?: string;
    valueFrom?: { secretKeyRef?: { name: string; key: string }; fieldRef?: { fieldPath: string } };
  }
  return Object.fromEntries(
    container.env.map(({ name, value, valueFrom }: Variable) => {
      const { secretKeyRef, fieldRef } = valueFrom ?? {};
      if (!secretKeyRef) return [name, value ?? fieldRef?.fieldPath ?? ''];
      const secret = objects.find((each) => each.kind === 'Secret' && each.metadata.name === secretKeyRef.name);
      const stored = secret?.['data']?.[secretKeyRef.key];
      return [name, stored === undefined ? 'a value of an existing Secret, with 32 bytes' : atob(stored)];
    }),
  );
}

/** Returns the configuration that the service reads from the rendered ConfigMap and the variables of the Deployment. */
export function configurationOf(objects: readonly Rendered[]): ReturnType<typeof loadConfig> {
  const directory = mkdtempSync(join(tmpdir(), 'chart-configuration-'));
  try {
    const file = join(directory, 'config.hocon');
    writeFileSync(file, the(objects, 'ConfigMap')['data']['config.hocon']);
    return loadConfig({ ...environmentOf(objects, 'service'), CONFIG_FILE: file });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Returns the text of a values file, for a namespace. */
export function valuesFile(path: string, namespace: string): string {
  return readFileSync(path, 'utf8').replaceAll('NAMESPACE', namespace);
}
