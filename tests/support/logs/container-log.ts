import { type NodeAgent, StatusError } from '../../../src/local/cluster.ts';

type LogOptions = Parameters<NodeAgent['logs']>[1];

/** The log of one container as a kubelet serves it, controlled by a test. */
export class ContainerLog {
  /** The options of every read so far. */
  readonly reads: LogOptions[] = [];
  /** Number of reads in progress that follow the log. */
  following = 0;
  /** The error of each read; null if the log can be read. */
  failure: StatusError | null = null;
  /** Reads return no data. */
  isSilent = false;
  #lines: string[] = [];
  #previous: string[] | undefined;
  #hasEnded = false;
  #broken = 0;
  readonly #waiting = new Set<() => void>();

  /** Adds a line, or several lines of one timestamp. The default is now, which is later than all times in the tests. */
  write(lines: string | string[], time = new Date().toISOString()): void {
    for (const line of [lines].flat()) this.#lines.push(`${time} ${line}`);
    this.#wake();
  }

  /** Adds a message of the kubelet, which has no timestamp. */
  writeRaw(line: string): void {
    this.#lines.push(line);
    this.#wake();
  }

  end(): void {
    this.#hasEnded = true;
    this.#wake();
  }

  /** Ends the container and starts it again with an empty log. */
  restart(): void {
    this.end();
    this.#previous = this.#lines;
    this.#lines = [];
    this.#hasEnded = false;
  }

  /** Breaks the connections of all reads that follow the log. */
  cut(): void {
    this.#broken += 1;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  async *read(options: LogOptions, signal: AbortSignal): AsyncGenerator<string> {
    this.reads.push(options);
    if (this.failure) throw this.failure;
    if (this.isSilent) await this.#next(signal);
    if (options.previous && !this.#previous) throw new StatusError(400, 'BadRequest', 'previous container not found');
    const lines = (options.previous ? this.#previous : this.#lines) ?? [];
    let at = this.#start(lines, options);
    const broken = this.#broken;
    const isFollowing = options.follow && !options.previous;
    if (isFollowing) this.following += 1;
    try {
      while (!signal.aborted) {
        for (; at < lines.length; at += 1) yield `${lines[at]}\n`;
        if (this.#broken !== broken) throw new Error('the connection broke');
        if (!isFollowing || this.#hasEnded || lines !== this.#lines) return;
        await this.#next(signal);
      }
    } finally {
      if (isFollowing) this.following -= 1;
    }
  }

  #start(lines: string[], { sinceTime, tailLines = Number.POSITIVE_INFINITY }: LogOptions): number {
    const since = sinceTime === undefined ? 0 : Date.parse(sinceTime);
    const isWanted = (line: string): boolean => !(Date.parse(line.split(' ', 1)[0] ?? '') < since);
    const first = lines.findIndex(isWanted);
    return Math.max(first === -1 ? lines.length : first, lines.length - tailLines, 0);
  }

  #next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}
