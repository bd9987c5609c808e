import { readFileSync } from 'node:fs';
import type { Role } from './accounts.ts';

export interface AuditedRequest {
  /** `verb group/resource[/subresource]` */
  readonly permission: string;
  /** The status of the response. */
  readonly code: number;
  /** Whether no Role allows it. A 403 can have other reasons, for example a quota. */
  readonly isForbidden: boolean;
}

/** Returns the requests of a user in an audit log. A watch is in the log only after its end. */
export function requestsOf(auditLog: string, user: string): AuditedRequest[] {
  return readFileSync(auditLog, 'utf8')
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.includes(user))
    .map((line) => JSON.parse(line))
    .filter((event) => event.user.username === user)
    .map(({ verb, objectRef = {}, responseStatus = {}, annotations = {} }) => {
      const { apiGroup = '', resource: plural, subresource } = objectRef;
      return {
        permission: permission(verb, apiGroup, plural, subresource),
        code: responseStatus.code,
        isForbidden: annotations['authorization.k8s.io/decision'] === 'forbid',
      };
    });
}

export function permission(verb: string, group: string, plural: string, subresource?: string): string {
  return `${verb} ${group}/${plural}${subresource ? `/${subresource}` : ''}`;
}

/** Returns the permissions that requests can use, sorted. */
export function granted(roles: readonly Role[]): string[] {
  const all = roles.flatMap(({ rules }) =>
    rules.flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((plural) => verbs.map((verb) => permission(verb, group, ...split(plural)))),
      ),
    ),
  );
  // An admission plug-in checks this permission; no request needs it.
  return [...new Set(all)].filter((each) => each !== 'update amalthea.dev/jupyterservers/finalizers').sort();
}

function split(plural: string): [string, string | undefined] {
  const [name = '', subresource] = plural.split('/');
  return [name, subresource];
}
