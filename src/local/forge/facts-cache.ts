import type { Logger } from 'pino';
import { BoundedMap } from '../../lib/bounded-map.ts';
import { Deadline } from '../../lib/deadline.ts';
import type { ForgeProject } from './records.ts';
import { type Facts, readFacts } from './repository.ts';

/** The value is small, because users change their own repositories without the forge. */
const maxAgeMs = 1000;
const maxProjects = 10_000;
/** Time limit of a read, which several callers may share. */
const readMs = 10_000;

/** Caches default branch and newest commit of each project, so that repeated requests start no git process. */
export class FactsCache {
  /** The key is the number of the project. */
  readonly #facts = new BoundedMap<number, Promise<Facts>>({ maxSize: maxProjects, ttlMs: maxAgeMs });
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  of(project: ForgeProject): Promise<Facts> {
    const known = this.#facts.get(project.id);
    if (known) return known;
    const facts = readFacts(project, Deadline.after(readMs));
    this.#facts.set(project.id, facts);
    return facts;
  }

  /** Returns undefined, and logs the error, if the repository cannot be read. */
  async ofListed(project: ForgeProject): Promise<Facts | undefined> {
    try {
      return await this.of(project);
    } catch (error) {
      this.#log.warn({ err: error, project: project.id, directory: project.gitDir }, 'a repository cannot be read');
      return undefined;
    }
  }

  /** Removes the project from the cache. Called after a push or the deletion of a branch. */
  forget(project: ForgeProject): void {
    this.#facts.delete(project.id);
  }
}
