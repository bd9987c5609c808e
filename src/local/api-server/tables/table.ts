import { isObject, type JsonObject } from '../../../lib/json.ts';
import { at, objectsIn, type StoredObject } from '../json.ts';
import type { Kind } from '../kinds/kind.ts';
import type { Kinds } from '../kinds/kinds.ts';
import { age } from './duration.ts';
import { summarizePod } from './pod-row.ts';

/** A column of a Table. Only `kubectl get -o wide` shows columns with priority 1. */
interface Column {
  name: string;
  type: string;
  format: string;
  description: string;
  priority: number;
}

export interface Table {
  columns: Column[];
  cells(object: StoredObject): unknown[];
}

type Cell = [column: Column, value: (object: StoredObject) => unknown];

/** The tables that `kubectl get` prints. */
export class Tables {
  readonly #now: () => number;
  readonly #byKind: Map<Kind, Table>;

  constructor(kinds: Kinds, now: () => number) {
    this.#now = now;
    const cellsOf: { [kind: string]: Cell[] } = {
      ConfigMap: [[column('Data'), (o) => Object.keys({ ...record(o['data']), ...record(o['binaryData']) }).length]],
      Ingress: ingressCells,
      Lease: [[column('Holder'), (o) => at(o, 'spec', 'holderIdentity') ?? '']],
      Namespace: [[column('Status'), (o) => at(o, 'status', 'phase')]],
      PersistentVolumeClaim: claimCells,
      Secret: [
        [column('Type'), (o) => o['type']],
        [column('Data'), (o) => Object.keys(record(o['data'])).length],
      ],
      Service: serviceCells,
      StatefulSet: [
        [column('Ready'), (o) => `${at(o, 'status', 'readyReplicas') ?? 0}/${at(o, 'spec', 'replicas') ?? 0}`],
        [wide('Containers'), (o) => templateContainers(o, 'name')],
        [wide('Images'), (o) => templateContainers(o, 'image')],
      ],
      Pod: this.#podCells(),
    };
    this.#byKind = new Map(
      kinds.all.map((kind) => {
        if (kind === kinds.events) return [kind, table(this.#eventCells())];
        if (kind === kinds.jupyterServers.kind) return [kind, table([nameCell, ...this.#declared(kinds)])];
        return [kind, table(this.#withNameAndAge(cellsOf[kind.kind] ?? []))];
      }),
    );
  }

  of(kind: Kind): Table {
    return this.#byKind.get(kind) ?? table(this.#withNameAndAge([]));
  }

  /** Name is the first column, and Age the last one before the wide columns. */
  #withNameAndAge(cells: Cell[]): Cell[] {
    const ageCell: Cell = [column('Age'), (object) => age(object.metadata.creationTimestamp, this.#now())];
    const ordinary = cells.filter(([{ priority }]) => priority === 0);
    return [nameCell, ...ordinary, ageCell, ...cells.filter(([{ priority }]) => priority > 0)];
  }

  /** The columns from the CRD. */
  #declared({ jupyterServers }: Kinds): Cell[] {
    return jupyterServers.columns.map(({ name, type, description, jsonPath }) => {
      const path = jsonPath.split('.').slice(1);
      const value = (object: StoredObject): unknown => {
        const found = at(object, ...path) ?? null;
        return type === 'date' && found !== null ? age(found, this.#now()) : found;
      };
      return [{ ...column(name), type, description }, value];
    });
  }

  #podCells(): Cell[] {
    const summary = (object: StoredObject) => summarizePod(object, this.#now());
    return [
      [column('Ready'), (o) => summary(o).ready],
      [column('Status'), (o) => summary(o).status],
      [column('Restarts'), (o) => summary(o).restarts],
      [wide('IP'), (o) => at(o, 'status', 'podIP') || '<none>'],
      [wide('Node'), (o) => at(o, 'spec', 'nodeName') || '<none>'],
      [wide('Nominated Node'), () => '<none>'],
      [wide('Readiness Gates'), () => '<none>'],
    ];
  }

  #eventCells(): Cell[] {
    const seen = (object: StoredObject, field: string): string =>
      age(at(object, field) || at(object, 'eventTime') || object.metadata.creationTimestamp, this.#now());
    const subject = (o: StoredObject) =>
      `${String(at(o, 'involvedObject', 'kind') ?? '').toLowerCase()}/${at(o, 'involvedObject', 'name') ?? ''}`;
    return [
      [column('Last Seen'), (o) => seen(o, 'lastTimestamp')],
      [column('Type'), (o) => o['type'] ?? ''],
      [column('Reason'), (o) => o['reason'] ?? ''],
      [column('Object'), subject],
      [wide('Subobject'), (o) => at(o, 'involvedObject', 'fieldPath') ?? ''],
      [wide('Source'), (o) => at(o, 'source', 'component') ?? at(o, 'reportingComponent') ?? ''],
      [column('Message'), (o) => String(o['message'] ?? '').trim()],
      [wide('First Seen'), (o) => seen(o, 'firstTimestamp')],
      [wide('Count'), (o) => o['count'] ?? 1],
      [{ ...wide('Name'), format: 'name' }, (o) => o.metadata.name],
    ];
  }
}

const nameCell: Cell = [{ ...column('Name'), format: 'name' }, (object) => object.metadata.name];

const ingressCells: Cell[] = [
  [column('Class'), (o) => at(o, 'spec', 'ingressClassName') ?? '<none>'],
  [column('Hosts'), (o) => joined(objectsIn(at(o, 'spec', 'rules')).map((rule) => rule['host'] ?? '*')) || '*'],
  [column('Address'), () => ''],
  [column('Ports'), (o) => (objectsIn(at(o, 'spec', 'tls')).length > 0 ? '80, 443' : '80')],
];

const claimCells: Cell[] = [
  [column('Status'), (o) => (o.metadata.deletionTimestamp ? 'Terminating' : at(o, 'status', 'phase'))],
  [column('Volume'), (o) => at(o, 'spec', 'volumeName') ?? ''],
  [column('Capacity'), (o) => at(o, 'status', 'capacity', 'storage') ?? ''],
  [column('Access Modes'), (o) => shortModes(at(o, 'spec', 'accessModes'))],
  [column('StorageClass'), (o) => at(o, 'spec', 'storageClassName') ?? ''],
  [column('VolumeAttributesClass'), () => '<unset>'],
  [wide('VolumeMode'), (o) => at(o, 'spec', 'volumeMode') ?? ''],
];

const serviceCells: Cell[] = [
  [column('Type'), (o) => at(o, 'spec', 'type')],
  [column('Cluster-IP'), (o) => at(o, 'spec', 'clusterIP') ?? '<none>'],
  [column('External-IP'), () => '<none>'],
  [
    column('Port(s)'),
    (o) => joined(objectsIn(at(o, 'spec', 'ports')).map((p) => `${p['port']}/${p['protocol']}`)) || '<none>',
  ],
  [
    wide('Selector'),
    (o) => joined(Object.entries(record(at(o, 'spec', 'selector'))).map((pair) => pair.join('='))) || '<none>',
  ],
];

function column(name: string): Column {
  return { name, type: 'string', format: '', description: name, priority: 0 };
}

function wide(name: string): Column {
  return { ...column(name), priority: 1 };
}

function table(cells: Cell[]): Table {
  return {
    columns: cells.map(([definition]) => definition),
    cells: (object) => cells.map(([, value]) => value(object) ?? null),
  };
}

function templateContainers(object: StoredObject, field: 'name' | 'image'): string {
  return joined(objectsIn(at(object, 'spec', 'template', 'spec', 'containers')).map((container) => container[field]));
}

function shortModes(modes: unknown): string {
  const short = new Map([
    ['ReadWriteOnce', 'RWO'],
    ['ReadOnlyMany', 'ROX'],
    ['ReadWriteMany', 'RWX'],
    ['ReadWriteOncePod', 'RWOP'],
  ]);
  return joined((Array.isArray(modes) ? modes : []).map((mode) => short.get(String(mode)) ?? mode));
}

function joined(values: unknown[]): string {
  return values.map(String).join(',');
}

function record(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}
