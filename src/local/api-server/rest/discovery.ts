import { apiVersionOf, type Kind } from '../kinds/kind.ts';
import type { Kinds } from '../kinds/kinds.ts';

/** The version of this server. The suffix of `gitVersion` distinguishes it from a real cluster. */
export const VERSION = {
  major: '1',
  minor: '36',
  gitVersion: 'v1.36.0+notebook-sessions',
  platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
};

const VERBS = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];

/** An entry of an APIResourceList. */
interface Resource {
  name: string;
  singularName: string;
  namespaced: boolean;
  kind: string;
  verbs: string[];
  shortNames?: readonly string[];
  categories?: readonly string[];
}

interface GroupVersion {
  group: string;
  version: string;
  resources: Resource[];
}

/** The discovery documents, from which clients learn which resources exist. */
export class Discovery {
  readonly #groupVersions: readonly GroupVersion[];

  constructor(kinds: Kinds) {
    const byVersion = Map.groupBy(kinds.all, apiVersionOf);
    const stored = [...byVersion.values()].map((members): GroupVersion => {
      const { group = '', version = '' } = members[0]?.resource ?? {};
      return { group, version, resources: members.flatMap(resourcesOf) };
    });
    this.#groupVersions = [...stored, METRICS];
  }

  /** Returns the document at a discovery path; undefined for an unknown path. */
  document(segments: readonly string[]): object | undefined {
    const [root, first, second, ...more] = segments;
    if (more.length > 0) return undefined;
    if (root === 'api') {
      if (first === undefined) return API_VERSIONS;
      return second === undefined ? this.#resources('', first) : undefined;
    }
    if (root !== 'apis') return undefined;
    if (first === undefined) return this.#groups();
    return second === undefined ? this.#group(first) : this.#resources(first, second);
  }

  #groups(): object {
    const groups = this.#groupVersions.filter(({ group }) => group !== '').map(groupOf);
    return { kind: 'APIGroupList', apiVersion: 'v1', groups };
  }

  #group(name: string): object | undefined {
    const found = this.#groupVersions.find(({ group }) => group === name);
    return found && { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(found) };
  }

  #resources(group: string, version: string): object | undefined {
    const found = this.#groupVersions.find((candidate) => candidate.group === group && candidate.version === version);
    if (found === undefined) return undefined;
    const groupVersion = group === '' ? version : `${group}/${version}`;
    return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: found.resources };
  }
}

const API_VERSIONS = {
  kind: 'APIVersions',
  versions: ['v1'],
  serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '127.0.0.1' }],
};

const METRICS: GroupVersion = {
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  resources: [{ name: 'pods', singularName: 'pod', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list'] }],
};

/** Returns the entries of a kind and of its subresources. */
function resourcesOf({ kind, resource, singular, namespaced, shortNames, categories, ...more }: Kind): Resource[] {
  const own = { name: resource.plural, singularName: singular, namespaced, kind, verbs: VERBS };
  const subresource = (name: string, verbs: string[]): Resource => ({
    name: `${resource.plural}/${name}`,
    singularName: '',
    namespaced,
    kind,
    verbs,
  });
  return [
    {
      ...own,
      ...(shortNames.length > 0 ? { shortNames } : {}),
      ...(categories.length > 0 ? { categories } : {}),
    },
    ...(more.statusSubresource ? [subresource('status', ['get', 'patch', 'update'])] : []),
    ...(kind === 'Pod' ? [subresource('log', ['get'])] : []),
  ];
}

function groupOf({ group, version }: GroupVersion): object {
  const entry = { groupVersion: `${group}/${version}`, version };
  return { name: group, versions: [entry], preferredVersion: entry };
}
