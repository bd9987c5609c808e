import type { StoredObject } from '../json.ts';
import { apiVersionOf, type Kind } from '../kinds/kind.ts';
import type { Tables } from '../tables/table.ts';
import type { Entry } from '../versioned-objects.ts';
import type { Form } from './negotiation.ts';

/** Metadata of a list. `continue` and `remainingItemCount` are set only if there are more pages. */
export interface ListMeta {
  resourceVersion: string;
  continue?: string;
  remainingItemCount?: number;
}

/** Converts entries to the JSON text of a response, as objects or as a table. */
export class Representation {
  readonly #form: Form;
  readonly #kind: Kind;
  readonly #tables: Tables;
  readonly #includeObject: string;
  /** The first characters of the JSON of a stored object. */
  readonly #typeMembers: string;

  /** `includeObject`: the part of the object in each row of a table, besides the cells: `None`, `Metadata` or `Object`. */
  constructor(kind: Kind, form: Form, tables: Tables, includeObject: string) {
    this.#kind = kind;
    this.#form = form;
    this.#tables = tables;
    this.#includeObject = includeObject;
    this.#typeMembers = `${JSON.stringify({ apiVersion: apiVersionOf(kind), kind: kind.kind }).slice(0, -1)},`;
  }

  one(entry: Entry): string {
    return this.#form === 'object'
      ? entry.text
      : this.#table([entry], { resourceVersion: String(entry.version) }, true);
  }

  list(entries: readonly Entry[], metadata: ListMeta): string {
    if (this.#form === 'table') return this.#table(entries, metadata, true);
    const { kind } = this.#kind;
    const head = JSON.stringify({ kind: `${kind}List`, apiVersion: apiVersionOf(this.#kind), metadata });
    return `${head.slice(0, -1)},"items":[${entries.map((entry) => this.#item(entry)).join(',')}]}`;
  }

  /** The items of a list have apiVersion and kind only if they are custom resources. */
  #item({ text }: Entry): string {
    if (this.#kind.selfDescribing || !text.startsWith(this.#typeMembers)) return text;
    return `{${text.slice(this.#typeMembers.length)}`;
  }

  /** Returns one line of a watch. Only the first table of a watch (`first`) has column definitions. */
  event(type: 'ADDED' | 'MODIFIED' | 'DELETED', entry: Entry, first: boolean): string {
    const metadata = { resourceVersion: String(entry.version) };
    const object = this.#form === 'table' ? this.#table([entry], metadata, first) : entry.text;
    return `{"type":"${type}","object":${object}}\n`;
  }

  /** Returns the bookmark line of a watch: all changes up to `version` were sent. */
  bookmark(version: number): string {
    const metadata = { resourceVersion: String(version) };
    const row = { cells: [], object: partial({ metadata }) };
    const table = { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata, columnDefinitions: [], rows: [row] };
    const object = { kind: this.#kind.kind, apiVersion: apiVersionOf(this.#kind), metadata };
    return `${JSON.stringify({ type: 'BOOKMARK', object: this.#form === 'table' ? table : object })}\n`;
  }

  #table(entries: readonly Entry[], metadata: ListMeta, withColumns: boolean): string {
    const { columns, cells } = this.#tables.of(this.#kind);
    const rows = entries.map(({ object }) => ({
      cells: cells(object),
      object: this.#includeObject === 'None' ? null : this.#includeObject === 'Object' ? object : partial(object),
    }));
    const columnDefinitions = withColumns ? columns : [];
    return JSON.stringify({ kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata, columnDefinitions, rows });
  }
}

function partial({ metadata }: StoredObject): object {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
}
