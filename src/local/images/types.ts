import type { PythonEnvironment } from '../python/types.ts';

/** The Python environment that stands for an image. */
export interface ProvidedImage {
  readonly environment: PythonEnvironment;
  /** For the session's owner: what the image's project requires and the environment does not have, and why. */
  readonly warning?: string;
}

/** The images of this machine, by reference. A Map satisfies it. */
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
