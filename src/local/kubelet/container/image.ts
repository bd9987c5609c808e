import { CannotStart, type ImageBuild, type PodContext, type ProvidedImage } from '../pod/context.ts';
import type { Container } from '../types.ts';

/** What runs the container's image, or how that is built. Throws CannotStart where this machine has no such image. */
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
  throw new CannotStart('ErrImagePull', `there is no image "${image}" on this machine; it has: ${known || 'none'}`);
}

/**
 * What runs the container's image. It is built here only where no step of the pod has done that, or the environment was
 * removed since: the lines of the build are not kept then.
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
