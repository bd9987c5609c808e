import type { PythonEnvironment } from '../python/types.ts';

/** The Python environment that replaces an image. */
export interface ProvidedImage {
  readonly environment: PythonEnvironment;
  /** A warning for the session's owner: the required packages that the environment does not have, and the reason. */
  readonly warning?: string;
}

/** The images of this machine, by reference. A Map has this interface. */
export interface Images {
  get(reference: string): PythonEnvironment | undefined;
  /** The references that the message about a missing image lists. */
  keys(): Iterable<string>;
  /** Returns the environment of an image that is built on demand, or its build; undefined if there is no such image. */
  find?(reference: string, signal: AbortSignal): Promise<ProvidedImage | ImageBuild | undefined>;
}

export interface ImageBuild {
  /** Builds the image and passes each line of output to `progress`. Rejects when `signal` aborts. */
  build(progress: (line: string) => void, signal: AbortSignal): Promise<ProvidedImage>;
}
