import { type NodeAgent, StatusError } from '../../../src/local/cluster.ts';

type LogOptions = Parameters<NodeAgent['logs']>[1];

/** One container as a kubelet gives its log, in a test's hand. */
export class ContainerLog {
  /** Every read so far. */
  readonly reads: LogOptions[] = [];
  /** Reads under way that follow. */
  following = 0;
  /** Fails each read; null: it can be read. */
  refusal: StatusError | null = null;
  /** Reads begin, and then nothing comes. */
  isSilent = false;
  #lines: string[] = [];
  #previous: string[] | undefined;
  #hasEnded = false;
  #broken = 0;
  readonly #waiting = new Set<() => void>();

  /** A line, or several of one instant. Without a time: of now, which in tests is later than any time they give. */
  write(lines: string | string[], time = new Date().toISOString()): void {
    for (const line of [lines].flat()) this.#lines.push(`${time} ${line}`);
    this.#wake();
  }

  /** What the kubelet says itself has no time. */
  writeRaw(line: string): void {
    this.#lines.push(line);
    this.#wake();
  }

  end(): void {
    this.#hasEnded = true;
    this.#wake();
  }

  /** The next run. */
  restart(): void {
    this.end();
    this.#previous = this.#lines;
    this.#lines = [];
    this.#hasEnded = false;
  }

  /** Breaks the connections of those that follow. */
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
    if (this.refusal) throw this.refusal;
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
