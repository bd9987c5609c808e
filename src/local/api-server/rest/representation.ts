import type { StoredObject } from '../json.ts';
import { apiVersionOf, type Kind } from '../kinds/kind.ts';
import type { Tables } from '../tables/table.ts';
import type { Entry } from '../versioned-objects.ts';
import type { Form } from './negotiation.ts';

/** Metadata of a list: `continue` and `remainingItemCount` only where there is more. */
export interface ListMeta {
  resourceVersion: string;
  continue?: string;
  remainingItemCount?: number;
}

/** Turns entries into the JSON text that a caller asked for. */
export class Representation {
  readonly form: Form;
  readonly #kind: Kind;
  readonly #tables: Tables;
  readonly #includeObject: string;
  /** How the text of a stored object begins. */
  readonly #typed: string;

  constructor(kind: Kind, form: Form, tables: Tables, includeObject: string) {
    this.#kind = kind;
    this.form = form;
    this.#tables = tables;
    this.#includeObject = includeObject;
    this.#typed = `${JSON.stringify({ apiVersion: apiVersionOf(kind), kind: kind.kind }).slice(0, -1)},`;
  }

  one(entry: Entry): string {
    switch (this.form) {
      case 'object':
        return entry.text;
      case 'metadata':
        return JSON.stringify(partial(entry.object));
      case 'table':
        return this.#table([entry], { resourceVersion: String(entry.version) }, true);
    }
  }

  list(entries: readonly Entry[], metadata: ListMeta): string {
    switch (this.form) {
      case 'object': {
        const { kind } = this.#kind;
        const head = JSON.stringify({ kind: `${kind}List`, apiVersion: apiVersionOf(this.#kind), metadata });
        return `${head.slice(0, -1)},"items":[${entries.map((entry) => this.#item(entry)).join(',')}]}`;
      }
      case 'metadata': {
        const items = entries.map((entry) => partial(entry.object));
        const head = { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata, items };
        return JSON.stringify(head);
      }
      case 'table':
        return this.#table(entries, metadata, true);
    }
  }

  /** Items of built-in kinds do not repeat what they are; those of custom resources do. */
  #item({ text }: Entry): string {
    if (this.#kind.selfDescribing || !text.startsWith(this.#typed)) return text;
    return `{${text.slice(this.#typed.length)}`;
  }

  /** One event of a watch, with its line break. `first`: only the first table carries the column definitions. */
  event(type: 'ADDED' | 'MODIFIED' | 'DELETED', entry: Entry, first: boolean): string {
    const object =
      this.form === 'table' ? this.#table([entry], { resourceVersion: String(entry.version) }, first) : this.one(entry);
    return `{"type":"${type}","object":${object}}\n`;
  }

  /** "Everything up to this version has been sent." `initialEnd`: it ends the objects that were there at the start. */
  bookmark(version: number, initialEnd: boolean): string {
    const metadata = {
      resourceVersion: String(version),
      ...(initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
    };
    const named = { kind: this.#kind.kind, apiVersion: apiVersionOf(this.#kind), metadata };
    const partially = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
    const row = { cells: [], object: partially };
    const table = { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata, columnDefinitions: [], rows: [row] };
    const object = { object: named, metadata: partially, table }[this.form];
    return `${JSON.stringify({ type: 'BOOKMARK', object })}\n`;
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
