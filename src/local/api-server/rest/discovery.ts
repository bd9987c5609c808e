import { apiVersionOf, type Kind } from '../kinds/kind.ts';
import type { Kinds } from '../kinds/kinds.ts';

/** What this server says it is. The suffix tells it from a cluster. */
export const VERSION = {
  major: '1',
  minor: '36',
  gitVersion: 'v1.36.0+notebook-sessions',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'none',
  compiler: 'none',
  platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
};

const READ_WRITE = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const METRICS_GROUP = 'metrics.k8s.io';

interface Subresource {
  name: string;
  kind: string;
  verbs: string[];
}

interface Resource {
  plural: string;
  singular: string;
  kind: string;
  namespaced: boolean;
  shortNames: readonly string[];
  categories: readonly string[];
  verbs: string[];
  subresources: Subresource[];
}

interface GroupVersion {
  group: string;
  version: string;
  resources: Resource[];
}

/** Everything that clients ask to find out which resources there are. */
export class Discovery {
  readonly #groupVersions: readonly GroupVersion[];

  constructor(kinds: Kinds) {
    const byVersion = Map.groupBy(kinds.all, apiVersionOf);
    const stored = [...byVersion.values()].map((members): GroupVersion => {
      const { group = '', version = '' } = members[0]?.resource ?? {};
      return { group, version, resources: members.map(resourceOf) };
    });
    this.#groupVersions = [...stored, METRICS];
  }

  /** The document at a discovery path, or undefined where there is none. `aggregated`: all groups in one. */
  document(segments: readonly string[], aggregated: boolean): object | undefined {
    const [root, first, second, ...more] = segments;
    if (more.length > 0) return undefined;
    if (root === 'api') {
      if (first === undefined) return aggregated ? this.#aggregated((group) => group === '') : API_VERSIONS;
      return second === undefined ? this.#resources('', first) : undefined;
    }
    if (root !== 'apis') return undefined;
    if (first === undefined) return aggregated ? this.#aggregated((group) => group !== '') : this.#groups();
    return second === undefined ? this.#group(first) : this.#resources(first, second);
  }

  #named(): GroupVersion[] {
    return this.#groupVersions.filter(({ group }) => group !== '');
  }

  #groups(): object {
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: this.#named().map(groupOf) };
  }

  #group(name: string): object | undefined {
    const found = this.#named().find(({ group }) => group === name);
    return found && { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(found) };
  }

  #resources(group: string, version: string): object | undefined {
    const found = this.#groupVersions.find((candidate) => candidate.group === group && candidate.version === version);
    if (found === undefined) return undefined;
    const groupVersion = group === '' ? version : `${group}/${version}`;
    const resources = found.resources.flatMap((resource) => [
      {
        name: resource.plural,
        singularName: resource.singular,
        namespaced: resource.namespaced,
        kind: resource.kind,
        verbs: resource.verbs,
        ...(resource.shortNames.length > 0 ? { shortNames: resource.shortNames } : {}),
        ...(resource.categories.length > 0 ? { categories: resource.categories } : {}),
      },
      ...resource.subresources.map(({ name, kind, verbs }) => ({
        name: `${resource.plural}/${name}`,
        singularName: '',
        namespaced: resource.namespaced,
        kind,
        verbs,
      })),
    ]);
    return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources };
  }

  #aggregated(includes: (group: string) => boolean): object {
    const items = this.#groupVersions
      .filter(({ group }) => includes(group))
      .map(({ group, version, resources }) => ({
        metadata: group === '' ? {} : { name: group },
        versions: [{ version, freshness: 'Current', resources: resources.map((r) => aggregatedOf(group, version, r)) }],
      }));
    return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items };
  }
}

const API_VERSIONS = {
  kind: 'APIVersions',
  versions: ['v1'],
  serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '127.0.0.1' }],
};

const METRICS: GroupVersion = {
  group: METRICS_GROUP,
  version: 'v1beta1',
  resources: [
    {
      plural: 'pods',
      singular: 'pod',
      kind: 'PodMetrics',
      namespaced: true,
      shortNames: [],
      categories: [],
      verbs: ['get', 'list'],
      subresources: [],
    },
  ],
};

function resourceOf(kind: Kind): Resource {
  const subresources: Subresource[] = [];
  if (kind.statusSubresource) subresources.push({ name: 'status', kind: kind.kind, verbs: ['get', 'patch', 'update'] });
  if (kind.kind === 'Pod') subresources.push({ name: 'log', kind: 'Pod', verbs: ['get'] });
  return {
    plural: kind.resource.plural,
    singular: kind.singular,
    kind: kind.kind,
    namespaced: kind.namespaced,
    shortNames: kind.shortNames,
    categories: kind.categories,
    verbs: kind.namespaced ? READ_WRITE : READ_WRITE.filter((verb) => verb !== 'deletecollection'),
    subresources,
  };
}

function groupOf({ group, version }: GroupVersion): object {
  const entry = { groupVersion: `${group}/${version}`, version };
  return { name: group, versions: [entry], preferredVersion: entry };
}

function aggregatedOf(group: string, version: string, resource: Resource): object {
  const responseKind = (kind: string) => ({ group, version, kind });
  return {
    resource: resource.plural,
    responseKind: responseKind(resource.kind),
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singular,
    verbs: resource.verbs,
    ...(resource.shortNames.length > 0 ? { shortNames: resource.shortNames } : {}),
    ...(resource.categories.length > 0 ? { categories: resource.categories } : {}),
    ...(resource.subresources.length > 0
      ? {
          subresources: resource.subresources.map(({ name, kind, verbs }) => ({
            subresource: name,
            responseKind: responseKind(kind),
            verbs,
          })),
        }
      : {}),
  };
}
