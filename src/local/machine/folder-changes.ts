import { type FSWatcher, watch } from 'node:fs';

/** Detects changes in a folder with the file events of the system, and at least every `pollMs`, because events can be lost. */
export class FolderChanges {
  readonly #timer: NodeJS.Timeout;
  readonly #signal: AbortSignal | undefined;
  #watcher: FSWatcher | undefined;
  #waiting: (() => void)[] = [];
  readonly #wake = (): void => {
    for (const resolve of this.#waiting.splice(0)) resolve();
  };

  constructor(folder: string, pollMs: number, signal?: AbortSignal) {
    this.#timer = setInterval(this.#wake, pollMs);
    this.#signal = signal;
    signal?.addEventListener('abort', this.#wake);
    try {
      this.#watcher = watch(folder, this.#wake);
      // The folder was removed, or the system allows no further watches. The timer continues.
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error;
    }
  }

  /** Resolves after the next change, after `pollMs`, or when `signal` aborts. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  close(): void {
    clearInterval(this.#timer);
    this.#signal?.removeEventListener('abort', this.#wake);
    this.#watcher?.close();
  }
}
