import type { Kind } from './kind.ts';

/** The properties that most built-in kinds have. */
export const builtIn = {
  shortNames: [],
  categories: [],
  namespaced: true,
  statusSubresource: false,
  generation: false,
  unconditionalUpdate: true,
  selfDescribing: false,
  returnsDeleted: false,
  nameRule: 'subdomain',
  selectableFields: [],
} as const satisfies Partial<Kind>;
