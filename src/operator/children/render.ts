import { childLabel } from '../../jupyter-server/labels.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { applyPatches } from '../patches.ts';
import { InvalidJupyterServer } from '../problem.ts';
import { sessionUrl } from '../session-url.ts';
import type { OperatorSettings } from '../settings.ts';
import { renderConfigMap } from './config-map.ts';
import { renderIngress } from './ingress.ts';
import type { Children, Manifest } from './manifest.ts';
import { renderPersistentVolumeClaim } from './pvc.ts';
import { type RandomBytes, renderSecret } from './secret.ts';
import { renderService } from './service.ts';
import { renderStatefulSet, resourcesAnnotation } from './stateful-set.ts';

/**
 * Everything that one JupyterServer becomes: rendered, patched by `spec.patches`, labelled and owned. Pure but for
 * `random`, from which only the Secret takes. Throws InvalidJupyterServer.
 */
export function renderChildren(server: JupyterServer, settings: OperatorSettings, random: RandomBytes): Children {
  const { name, namespace, uid } = server.metadata;
  if (!name || !namespace || !uid)
    throw new Error('a JupyterServer from the API server has a name, a namespace and a uid');
  // Longer names make a label of the StatefulSet's pods too long, and the pod is then never made.
  if (!/^[a-z]([-a-z0-9]{0,50}[a-z0-9])?$/.test(name)) {
    throw new InvalidJupyterServer('metadata.name: at most 52 lower-case letters, digits and dashes, a letter first');
  }
  const spec = server.spec ?? {};
  const url = sessionUrl(server);
  const rendered: Children = {
    service: renderService(name),
    ingress: renderIngress(name, spec, url),
    statefulset: renderStatefulSet(name, spec, url, settings),
    configmap: renderConfigMap(name, spec, url),
    secret: renderSecret(name, spec, random),
    ...(spec.storage?.pvc?.enabled ? { pvc: renderPersistentVolumeClaim(name, spec) } : {}),
  };
  const children = applyPatches(rendered, spec.patches ?? []);
  finishStatefulSet(children['statefulset'], server);
  for (const [key, child] of Object.entries(children)) adopt(child, key, server, settings);
  return children;
}

/** What the JupyterServer says of resources and hibernation holds whatever a patch said. */
function finishStatefulSet(statefulSet: Manifest | undefined, { spec }: JupyterServer): void {
  const set = statefulSet as StatefulSetManifest | undefined;
  const container = set?.spec?.template?.spec?.containers?.[0];
  if (set === undefined || container === undefined) {
    throw new InvalidJupyterServer('spec.patches: no StatefulSet with a container is left after the patches');
  }
  const resources = spec?.jupyterServer?.resources ?? {};
  container.resources = resources;
  set.metadata.annotations = { ...set.metadata.annotations, [resourcesAnnotation]: JSON.stringify(resources) };
  if (spec?.jupyterServer?.hibernated) set.spec = { ...set.spec, replicas: 0 };
}

interface StatefulSetManifest extends Manifest {
  spec?: {
    replicas?: number;
    template?: { metadata?: Manifest['metadata']; spec?: { containers?: { resources?: object }[] } };
  };
}

function adopt(child: Manifest, key: string, server: JupyterServer, settings: OperatorSettings): void {
  const { name = '', namespace = '', uid = '' } = server.metadata;
  if (child?.metadata === null || typeof child?.metadata !== 'object' || !child.kind || !child.apiVersion) {
    throw new InvalidJupyterServer(`spec.patches: child ${key} is no Kubernetes object`);
  }
  const { metadata } = child;
  if ((metadata.namespace ?? namespace) !== namespace) {
    throw new InvalidJupyterServer(`spec.patches: child ${key} is in another namespace`);
  }
  metadata.namespace = namespace;
  if (!metadata.name && !metadata.generateName) metadata.generateName = `${name}-`;
  const { apiVersion = '', kind = '' } = server;
  metadata.ownerReferences = [{ apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true }];
  const labels = {
    ...server.metadata.labels,
    ...settings.selectorLabels,
    [childLabel.component]: 'jupyterserver',
    [childLabel.parentUid]: uid,
    [childLabel.parentName]: name,
  };
  metadata.labels = { ...labels, [childLabel.childKey]: key, ...metadata.labels };
  if (key === 'statefulset') {
    const template = (child as StatefulSetManifest).spec?.template;
    if (!template) return;
    template.metadata = {
      ...template.metadata,
      labels: { ...labels, [childLabel.mainPod]: 'true', ...template.metadata?.labels },
    };
  }
}
