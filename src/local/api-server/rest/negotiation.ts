import { StatusError } from '../../cluster.ts';

/** The form in which objects are sent. */
export type Form = 'object' | 'table' | 'metadata';

interface MediaRange {
  type: string;
  parameters: Map<string, string>;
}

/** Picks the first form that `Accept` names and this server has. Throws StatusError 406 where there is none. */
export function negotiate(accept: string | undefined): Form {
  for (const { type, parameters } of mediaRanges(accept)) {
    if (type !== 'application/json' && type !== 'application/*' && type !== '*/*') continue;
    const as = parameters.get('as');
    if (as === undefined) return 'object';
    if (parameters.get('g') !== 'meta.k8s.io' || !['v1', 'v1beta1'].includes(parameters.get('v') ?? '')) continue;
    if (as === 'Table') return 'table';
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return 'metadata';
  }
  const message = 'only the following media types are accepted: application/json';
  throw new StatusError(406, 'NotAcceptable', message);
}

/** Whether the caller can read aggregated discovery (one document for all groups). */
export function acceptsAggregatedDiscovery(accept: string | undefined): boolean {
  for (const { type, parameters } of mediaRanges(accept)) {
    if (type !== 'application/json') continue;
    const as = parameters.get('as');
    if (as === undefined) return false;
    if (
      as === 'APIGroupDiscoveryList' &&
      parameters.get('g') === 'apidiscovery.k8s.io' &&
      parameters.get('v') === 'v2'
    ) {
      return true;
    }
  }
  return false;
}

function mediaRanges(accept: string | undefined): MediaRange[] {
  if (accept === undefined || accept.trim() === '') return [{ type: '*/*', parameters: new Map() }];
  return accept.split(',').map((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
    const pairs = parameters.map((parameter): [string, string] => {
      const equals = parameter.indexOf('=');
      return equals < 0 ? [parameter, ''] : [parameter.slice(0, equals).trim(), parameter.slice(equals + 1).trim()];
    });
    return { type: type.toLowerCase(), parameters: new Map(pairs) };
  });
}
