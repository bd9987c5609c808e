import { childLabels } from '../../jupyter-server/labels.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { asObject, isObject, type JsonObject } from '../../lib/json.ts';
import { isKubernetesObject } from '../../platform/kubernetes/objects.ts';
import { InvalidJupyterServer } from '../failure.ts';
import { applyPatches } from '../patches.ts';
import { sessionUrl } from '../session-url.ts';
import type { OperatorSettings } from '../settings.ts';
import { renderConfigMap } from './config-map.ts';
import { renderIngress } from './ingress.ts';
import type { Children, Manifest } from './manifest.ts';
import { renderPersistentVolumeClaim } from './pvc.ts';
import { type RandomBytes, renderSecret } from './secret.ts';
import { renderService } from './service.ts';
import { renderStatefulSet, resourcesAnnotation, resourcesText } from './stateful-set.ts';

/**
 * Returns the children of a JupyterServer to create: with `spec.patches` applied, labels and owner references. Pure, except
 * for `random`, which only the Secret uses. Throws InvalidJupyterServer.
 */
export function renderChildren(server: JupyterServer, settings: OperatorSettings, random: RandomBytes): Children {
  const { name, namespace, uid } = server.metadata;
  if (!name || !namespace || !uid)
    throw new Error('a JupyterServer from the API server has a name, a namespace and a uid');
  // With a longer name, a label of the StatefulSet's pod would be too long, and the pod would never be created.
  if (!/^[a-z]([-a-z0-9]{0,50}[a-z0-9])?$/.test(name)) {
    throw new InvalidJupyterServer(
      'metadata.name must have at most 52 lower-case letters, digits and dashes, and begin with a letter',
    );
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
  const children: Children = {};
  for (const [key, child] of Object.entries(applyPatches(rendered, spec.patches ?? []))) {
    if (!isKubernetesObject<Manifest>(child) || !child.kind || !child.apiVersion) {
      throw new InvalidJupyterServer(`spec.patches: child ${key} is not a Kubernetes object`);
    }
    children[key] = child;
  }
  setResources(children['statefulset'], server);
  for (const [key, child] of Object.entries(children)) setOwner(child, key, server, settings);
  return children;
}

/** Sets resources and hibernation from the JupyterServer, even where a patch has changed them. */
function setResources(set: Manifest | undefined, server: JupyterServer): void {
  const containers = asObject(podTemplate(set)?.['spec'])?.['containers'];
  const container: unknown = Array.isArray(containers) ? containers[0] : undefined;
  if (set === undefined || !isObject(container)) {
    throw new InvalidJupyterServer('spec.patches: the patches leave no StatefulSet with a container');
  }
  const { spec } = server;
  const resources = spec?.jupyterServer?.resources ?? {};
  container['resources'] = resources;
  set.metadata.annotations = { ...set.metadata.annotations, [resourcesAnnotation]: resourcesText(server) };
  if (spec?.jupyterServer?.hibernated) set['spec'] = { ...asObject(set['spec']), replicas: 0 };
}

const podTemplate = (set: Manifest | undefined): JsonObject | undefined =>
  asObject(asObject(set?.['spec'])?.['template']);

/** Sets the namespace, the owner reference and the labels of a child, and the labels of the pod that it creates. */
function setOwner(child: Manifest, key: string, server: JupyterServer, settings: OperatorSettings): void {
  const { name = '', namespace = '', uid = '' } = server.metadata;
  const { metadata } = child;
  if ((metadata.namespace ?? namespace) !== namespace) {
    throw new InvalidJupyterServer(`spec.patches: child ${key} is in another namespace`);
  }
  metadata.namespace = namespace;
  if (!metadata.name && !metadata.generateName) metadata.generateName = `${name}-`;
  const { apiVersion = '', kind = '' } = server;
  const childLabel = childLabels(settings.jupyterServers.group);
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
    const template = podTemplate(child);
    if (!template) return;
    const podMetadata = asObject(template['metadata']);
    template['metadata'] = {
      ...podMetadata,
      labels: { ...labels, [childLabel.mainPod]: 'true', ...asObject(podMetadata?.['labels']) },
    };
  }
}
