import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** A call to the API server that has ended, as the API server has recorded it. */
export interface AuditedCall {
  /** `create`, `patch`, ... */
  readonly verb: string;
  /** Plural name. */
  readonly resource: string | undefined;
  readonly namespace: string | undefined;
  readonly status: number | undefined;
}

/** The calls that an API server records in its audit log: to count them costs the API server nothing, as a list would. */
export interface AuditLog {
  /** Returns the number of calls so far that `matches` accepts. */
  count(matches: (call: AuditedCall) => boolean): number;
}

/** Reads the audit log of an API server (audit.k8s.io/v1, one JSON object per line), each time from where it stopped. */
export function readAuditLog(path: string): AuditLog {
  const calls: AuditedCall[] = [];
  let read = 0;
  let rest: Buffer = Buffer.alloc(0);

  function readOn(): void {
    const file = openSync(path, 'r');
    const chunk = Buffer.alloc(fstatSync(file).size - read);
    readSync(file, chunk, 0, chunk.length, read);
    closeSync(file);
    read += chunk.length;
    const text = Buffer.concat([rest, chunk]);
    const end = text.lastIndexOf('\n') + 1;
    rest = text.subarray(end);
    for (const line of text.toString('utf8', 0, end).split('\n')) if (line !== '') calls.push(callOf(JSON.parse(line)));
  }

  return {
    count(matches) {
      readOn();
      return calls.filter(matches).length;
    },
  };
}

interface AuditEvent {
  readonly verb: string;
  readonly objectRef?: { readonly resource?: string; readonly namespace?: string };
  readonly responseStatus?: { readonly code?: number };
}

const callOf = ({ verb, objectRef, responseStatus }: AuditEvent): AuditedCall => ({
  ...{ verb, resource: objectRef?.resource, namespace: objectRef?.namespace, status: responseStatus?.code },
});
