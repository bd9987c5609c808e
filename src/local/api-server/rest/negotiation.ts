import { StatusError } from '../../cluster.ts';

/** The form in which objects are sent. */
export type Form = 'object' | 'table';

/** Returns the first form in `Accept` that this server supports. Throws StatusError 406 if there is none. */
export function negotiate(accept: string | undefined): Form {
  for (const range of (accept?.trim() || '*/*').split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.replaceAll(/\s/g, ''));
    if (!['application/json', 'application/*', '*/*'].includes(type.toLowerCase())) continue;
    if (!parameters.some((parameter) => parameter.startsWith('as='))) return 'object';
    if (['as=Table', 'g=meta.k8s.io', 'v=v1'].every((parameter) => parameters.includes(parameter))) return 'table';
  }
  throw new StatusError(406, 'NotAcceptable', 'only the following media types are accepted: application/json');
}
