import { type Commit, parseCommit } from './commit.ts';

/**
 * Parses the output of `git cat-file --batch`: `<id> commit <size>\n<content>\n` for an object, one line for a missing or
 * ambiguous one. Only the first `keepBytes` of each commit are kept, because its message may have any size.
 */
export class CommitBatch {
  readonly #keepBytes: number;
  readonly #commits: (Commit | undefined)[] = [];
  #header = '';
  #sha: string | undefined;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  /** Remaining bytes of the object and of the line break after it. 0 if a header is next. */
  #left = 0;

  constructor(keepBytes: number) {
    this.#keepBytes = keepBytes;
  }

  /** One entry for each line of the input; undefined for an object that is missing or is not a commit. */
  get commits(): readonly (Commit | undefined)[] {
    return this.#commits;
  }

  readonly take = (chunk: Buffer): void => {
    let position = 0;
    while (position < chunk.length) {
      if (this.#left > 0) {
        const part = chunk.subarray(position, position + this.#left);
        this.#takeContent(part);
        position += part.length;
        continue;
      }
      const end = chunk.indexOf(10, position);
      this.#header += chunk.toString('utf8', position, end === -1 ? chunk.length : end);
      if (end === -1) return;
      this.#takeHeader();
      position = end + 1;
    }
  };

  #takeHeader(): void {
    const [, sha, type, size] = /^([0-9a-f]{40,64}) (\w+) (\d+)$/.exec(this.#header) ?? [];
    this.#header = '';
    this.#sha = type === 'commit' ? sha : undefined;
    if (size === undefined) this.#commits.push(undefined);
    else this.#left = Number(size) + 1;
  }

  #takeContent(part: Buffer): void {
    this.#left -= part.length;
    // Removes the line break that git adds after the object.
    const own = this.#left === 0 ? part.subarray(0, part.length - 1) : part;
    const kept = own.subarray(0, this.#keepBytes - this.#keptBytes);
    this.#kept.push(kept);
    this.#keptBytes += kept.length;
    if (this.#left > 0) return;
    this.#commits.push(this.#sha === undefined ? undefined : parseCommit(this.#sha, Buffer.concat(this.#kept)));
    this.#kept = [];
    this.#keptBytes = 0;
  }
}
