import type { WriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { imageCondition } from '../../../jupyter-server/labels.ts';
import { oneLine } from '../../../platform/kubernetes/failures.ts';
import type { ImageBuild, ProvidedImage } from '../../images/types.ts';
import { makeDirectory } from '../../machine/private-files.ts';
import type { PodContext } from '../pod/context.ts';
import type { ContainerRecord } from '../pod/status.ts';

/** Milliseconds between updates of the pod's status: a build prints many lines in a short time. */
const updateEveryMs = 1_000;
const lineLength = 2_000;
const statusLength = 200;
/** The exit code if the pod ends during work of the kubelet: the same as for a process that SIGTERM has ended. */
export const abortedExitCode = 143;

/** The result of providing an image, stored for the kubelet that adopts the pod. */
export interface ImageOutcome {
  condition?: ContainerRecord['condition'];
  /** True if the session uses the default environment. The session keeps it, even if the image can be built later. */
  isDefault: boolean;
}

/** Sets the pod's image, and reports the packages that the image does not contain in the pod's status and events. */
export function noteImage(image: ProvidedImage, pod: PodContext, record: ContainerRecord): ImageOutcome {
  const { environment, warning } = image;
  pod.image.provided = environment;
  const message = warning && oneLine(warning, lineLength);
  record.condition = message ? { type: imageCondition, status: 'True', reason: 'Incomplete', message } : undefined;
  if (message) pod.event('Warning', 'ImageIncomplete', message);
  return { condition: record.condition, isDefault: environment === pod.machine.environment };
}

/** Restores the result of an earlier kubelet. An image that was built is found again when it is needed. */
export function recallImage({ condition, isDefault }: ImageOutcome, pod: PodContext, record: ContainerRecord): void {
  record.condition = condition;
  if (isDefault) pod.image.provided = pod.machine.environment;
}

/** Builds an image as the work of a container: the output is the container's log, and the newest line the progress. */
export class ImageStep {
  /** Resolves when the build has ended, with or without success. */
  readonly ended: Promise<void>;
  readonly #end: () => void;
  readonly #pod: PodContext;
  readonly #record: ContainerRecord;
  readonly #file: WriteStream;

  private constructor(pod: PodContext, record: ContainerRecord, file: WriteStream) {
    this.#pod = pod;
    this.#record = record;
    this.#file = file;
    // A full disk must not end the build here, because the build itself reports a full disk.
    file.on('error', (error) => pod.machine.log.warn({ err: error }, 'the log of a build could not be written'));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
  }

  /** @param folder the folder for the log, in the format of a process's log */
  static async open(pod: PodContext, record: ContainerRecord, folder: string): Promise<ImageStep> {
    await makeDirectory(folder);
    const file = await open(join(folder, 'log.0'), 'a', 0o600);
    return new ImageStep(pod, record, file.createWriteStream());
  }

  /** Rejects if the image cannot be provided at all, or `signal` aborts. */
  async run(image: ImageBuild, signal: AbortSignal): Promise<ImageOutcome> {
    const file = this.#file;
    const write = (line: string) => file.write(`${new Date().toISOString()} ${oneLine(line, lineLength)}\n`);
    let newest: string | undefined;
    let timer: NodeJS.Timeout | undefined;
    const update = () => {
      timer = undefined;
      this.#setProgress(newest ?? '');
    };
    const progress = (line: string) => {
      write(line);
      const isFirst = newest === undefined;
      newest = oneLine(line, statusLength);
      if (isFirst) update();
      else timer ??= setTimeout(update, updateEveryMs);
    };
    this.#pod.event('Normal', 'Pulling', `Building image "${this.#record.image}"`);
    try {
      const provided = await image.build(progress, signal);
      if (provided.warning !== undefined) write(provided.warning);
      this.#pod.event('Normal', 'Pulled', `Image "${this.#record.image}" is available`);
      return noteImage(provided, this.#pod, this.#record);
    } finally {
      clearTimeout(timer);
      file.end();
      // The error is logged by the listener above.
      await finished(file).catch(() => undefined);
      this.#end();
    }
  }

  #setProgress(message: string): void {
    this.#record.condition = { type: imageCondition, status: 'False', reason: 'Building', message };
    this.#pod.report();
  }
}
