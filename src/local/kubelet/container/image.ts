import type { ImageBuild, ProvidedImage } from '../../images/types.ts';
import { CannotStart, type PodContext } from '../pod/context.ts';
import type { Container } from '../types.ts';

/** Returns the environment of the container's image, or its build. Throws CannotStart if this machine has no such image. */
export async function requireImage(
  { image = '' }: Container,
  { machine: { images } }: PodContext,
  signal: AbortSignal,
): Promise<ProvidedImage | ImageBuild> {
  const environment = images.get(image);
  if (environment) return { environment };
  const found = await images.find?.(image, signal);
  if (found) return found;
  const known = [...images.keys()].filter((name) => !name.includes('@')).join(', ');
  throw new CannotStart(
    'ErrImagePull',
    `there is no image "${image}" on this machine; the machine has: ${known || 'none'}`,
  );
}

/**
 * Returns the environment of the container's image. Builds it if no init container of the pod has done so, or if the
 * environment was removed since; the output of that build is not kept.
 */
export async function providedImage(
  container: Container,
  pod: PodContext,
  signal: AbortSignal,
): Promise<ProvidedImage['environment']> {
  if (pod.image.provided) return pod.image.provided;
  const image = await requireImage(container, pod, signal);
  return ('build' in image ? await image.build(() => undefined, signal) : image).environment;
}
