import type { WriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { imageCondition } from '../../../jupyter-server/labels.ts';
import { oneLine } from '../../../platform/kubernetes/failures.ts';
import { makeDirectory } from '../../machine/private-files.ts';
import type { ImageBuild, PodContext, ProvidedImage } from '../pod/context.ts';
import type { ContainerRecord } from '../pod/status.ts';

/** Between two tellings: a build prints many lines at once, and each one told changes the pod's status. */
const tellEveryMs = 1_000;
const lineLength = 2_000;
const toldLength = 200;
/** Of work of the kubelet's own that was ended with its pod: as of a process that SIGTERM ends. */
export const abortedExitCode = 143;

/** What is kept of a provided image, for the kubelet that takes the pod up after a restart. */
export interface ImageOutcome {
  condition?: ContainerRecord['condition'];
  /** The default environment runs the session, whatever could be built by now. */
  isDefault: boolean;
}

/** Lets the pod's containers use the image, and tells the pod's status and events what is not in it. */
export function noteImage(image: ProvidedImage, pod: PodContext, record: ContainerRecord): ImageOutcome {
  const { environment, warning } = image;
  pod.image.provided = environment;
  const message = warning && oneLine(warning, lineLength);
  record.condition = message ? { type: imageCondition, status: 'True', reason: 'Incomplete', message } : undefined;
  if (message) pod.event('Warning', 'ImageIncomplete', message);
  return { condition: record.condition, isDefault: environment === pod.machine.environment };
}

/** The same for an image that an earlier kubelet provided. One that was built is looked for when it is needed. */
export function recallImage({ condition, isDefault }: ImageOutcome, pod: PodContext, record: ContainerRecord): void {
  record.condition = condition;
  if (isDefault) pod.image.provided = pod.machine.environment;
}

/** The build of an image as the work of a container: its lines are the container's log, the newest one is the progress. */
export class ImageStep {
  /** Resolves when the work is over, well or not. */
  readonly ended: Promise<void>;
  readonly #end: () => void;
  readonly #pod: PodContext;
  readonly #record: ContainerRecord;
  readonly #file: WriteStream;

  private constructor(pod: PodContext, record: ContainerRecord, file: WriteStream) {
    this.#pod = pod;
    this.#record = record;
    this.#file = file;
    // A full disk must not end the work, which says so by itself.
    file.on('error', (error) => pod.machine.log.warn({ err: error }, 'the log of a build could not be written'));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
  }

  /** @param folder where the log goes, in the form that the log of a process has */
  static async open(pod: PodContext, record: ContainerRecord, folder: string): Promise<ImageStep> {
    await makeDirectory(folder);
    const file = await open(join(folder, 'log.0'), 'a', 0o600);
    return new ImageStep(pod, record, file.createWriteStream());
  }

  /** Rejects when the image cannot be provided at all, or `signal` aborts. */
  async run(image: ImageBuild, signal: AbortSignal): Promise<ImageOutcome> {
    const file = this.#file;
    const write = (line: string) => file.write(`${new Date().toISOString()} ${oneLine(line, lineLength)}\n`);
    let newest: string | undefined;
    let timer: NodeJS.Timeout | undefined;
    const tell = () => {
      timer = undefined;
      this.#tell(newest ?? '');
    };
    const progress = (line: string) => {
      write(line);
      const isFirst = newest === undefined;
      newest = oneLine(line, toldLength);
      if (isFirst) tell();
      else timer ??= setTimeout(tell, tellEveryMs);
    };
    this.#pod.event('Normal', 'Pulling', `Building image "${this.#record.image}"`);
    try {
      const provided = await image.build(progress, signal);
      if (provided.warning !== undefined) write(provided.warning);
      this.#pod.event('Normal', 'Pulled', `Image "${this.#record.image}" is there`);
      return noteImage(provided, this.#pod, this.#record);
    } finally {
      clearTimeout(timer);
      file.end();
      // Its error was logged.
      await finished(file).catch(() => undefined);
      this.#end();
    }
  }

  #tell(message: string): void {
    this.#record.condition = { type: imageCondition, status: 'False', reason: 'Building', message };
    this.#pod.report();
  }
}
