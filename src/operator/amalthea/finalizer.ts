import type { ObjectMeta } from '../../platform/kubernetes/objects.ts';

/**
 * The finalizer of Kopf, the framework of Amalthea 0.24 and older. Amalthea adds the finalizer to each JupyterServer as soon as it
 * sees the JupyterServer without it. This operator sets no finalizer, because garbage collection deletes the children by their
 * owner references. So a deletion completes even if the operator is not running.
 */
const finalizer = 'kopf.zalando.org/KopfFinalizerMarker';

export const hasAmaltheaFinalizer = ({ finalizers }: ObjectMeta): boolean => finalizers?.includes(finalizer) ?? false;

/** Returns the finalizers of other programs. */
export const otherFinalizers = ({ finalizers = [] }: ObjectMeta): string[] =>
  finalizers.filter((each) => each !== finalizer);
