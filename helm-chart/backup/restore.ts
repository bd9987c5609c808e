import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { childLabels } from '../../src/jupyter-server/labels.ts';
import { isObject } from '../../src/lib/json.ts';
import { isKubernetesObject, type KubernetesObject } from '../../src/platform/kubernetes/objects.ts';
import { kubectl } from '../kubectl.ts';
import { refuseWhileOperatorRuns } from '../running-operator.ts';

const usage = `usage: restore --namespace NAMESPACE FILE...

Creates the Secrets, sessions and volume claims of files from \`kubectl get --output json\` in a namespace for which no operator
runs yet. Claims that exist already keep their volumes and belong to their new sessions. Uses the cluster of kubectl.
`;

/** Returns the objects of a file: one object, or a list. */
function objectsOf(file: string): KubernetesObject[] {
  const content: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const items: unknown = isObject(content) && Array.isArray(content['items']) ? content['items'] : [content];
  return Array.isArray(items) ? items.filter((each) => isKubernetesObject(each)) : [];
}

/** Returns the object without what the API server and the operator have set. */
function bare(object: KubernetesObject, namespace: string): KubernetesObject & Record<string, unknown> {
  const { metadata, ...rest } = object;
  const { name = '', labels = {}, annotations = {} } = metadata;
  const helm = 'meta.helm.sh/release-namespace';
  const kept = Object.entries(annotations).filter(([key]) => !/^(kubectl|pv)\.kubernetes\.io\/|^volume\./.test(key));
  const { status: _, ...content } = { status: undefined, ...rest };
  return {
    ...content,
    metadata: {
      name,
      namespace,
      labels,
      annotations: { ...Object.fromEntries(kept), ...(helm in annotations ? { [helm]: namespace } : {}) },
    },
  };
}

/** Creates the object, or returns the existing one. */
function ensure(object: KubernetesObject, namespace: string): { object: KubernetesObject; existed: boolean } {
  const { kind = '', apiVersion = '', metadata } = object;
  const [group = '', version] = apiVersion.split('/');
  const type = version === undefined ? kind : `${kind}.${version}.${group}`;
  const existing = kubectl(['get', type, metadata.name ?? '', '--namespace', namespace, '--ignore-not-found']);
  if (existing) return { object: existing, existed: true };
  const created = kubectl(['create', '--filename', '-'], object);
  if (!created) throw new Error(`kubectl printed nothing for ${kind} ${metadata.name}`);
  return { object: created, existed: false };
}

const labelsOf = ({ apiVersion = '' }: KubernetesObject) => childLabels(apiVersion.split('/')[0] ?? '');

/** Returns the restored session that the claim belongs to. */
function ownerOf(
  { metadata: { labels = {} } }: KubernetesObject,
  owners: ReadonlyMap<string, KubernetesObject>,
): KubernetesObject | undefined {
  return [...owners].find(([name, owner]) => labels[labelsOf(owner).parentName] === name)?.[1];
}

function restore(files: readonly string[], namespace: string): void {
  // An operator would create an empty claim for a session before its claim is restored.
  refuseWhileOperatorRuns(namespace);
  const objects = files.flatMap(objectsOf);
  const report = (object: KubernetesObject, what: string) =>
    process.stdout.write(`${object.kind} ${object.metadata.name}: ${what}\n`);
  for (const secret of objects.filter(({ kind }) => kind === 'Secret')) {
    report(secret, ensure(bare(secret, namespace), namespace).existed ? 'exists already' : 'created');
  }
  const owners = new Map<string, KubernetesObject>();
  for (const session of objects.filter(({ kind }) => kind === 'JupyterServer')) {
    const { object, existed } = ensure(bare(session, namespace), namespace);
    owners.set(session.metadata.name ?? '', object);
    report(session, existed ? 'exists already' : 'created');
  }
  for (const claim of objects.filter(({ kind }) => kind === 'PersistentVolumeClaim')) {
    const owner = ownerOf(claim, owners);
    if (!owner) continue;
    const { apiVersion = '', kind = '', metadata } = owner;
    const { name = '', uid = '' } = metadata;
    const { metadata: fields, ...rest } = bare(claim, namespace);
    const labels = { ...fields.labels, [labelsOf(owner).parentUid]: uid };
    const ownerReferences = [{ apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true }];
    // The volume belongs to the claim of the backup.
    const { volumeName: _, ...spec } = isObject(rest['spec']) ? rest['spec'] : {};
    const { existed } = ensure(
      { ...rest, spec, metadata: { ...fields, labels, ownerReferences } } as KubernetesObject,
      namespace,
    );
    if (existed) {
      const patch = JSON.stringify({ metadata: { labels, ownerReferences } });
      kubectl([
        'patch',
        'persistentvolumeclaim',
        fields.name ?? '',
        '--namespace',
        namespace,
        '--type',
        'merge',
        '--patch',
        patch,
      ]);
    }
    report(claim, existed ? 'exists already, and belongs to its session' : 'created, empty');
  }
}

try {
  const { values, positionals } = parseArgs({ options: { namespace: { type: 'string' } }, allowPositionals: true });
  if (values.namespace === undefined || positionals.length === 0) {
    process.stderr.write(usage);
    process.exitCode = 2;
  } else {
    restore(positionals, values.namespace);
  }
} catch (error) {
  process.stderr.write(`The backup cannot be restored: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
