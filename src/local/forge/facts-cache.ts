import type { Logger } from 'pino';
import { Deadline } from '../../lib/deadline.ts';
import type { ForgeProject } from './records.ts';
import { type Facts, readFacts } from './repository.ts';

/** The user works in their own repositories without telling the forge, so what is known about them grows old fast. */
const maxAgeMs = 1000;
/** For the one reading that all callers of a moment share, whatever their own deadlines are. */
const readingMs = 10_000;

/** Default branch and newest commit per project: asking again within a moment costs no git process. */
export class FactsCache {
  readonly #entries = new Map<number, { facts: Promise<Facts>; readAt: number }>();
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  of(project: ForgeProject): Promise<Facts> {
    const known = this.#entries.get(project.id);
    if (known && performance.now() - known.readAt < maxAgeMs) return known.facts;
    const entry = { facts: readFacts(project, Deadline.after(readingMs)), readAt: performance.now() };
    this.#entries.set(project.id, entry);
    return entry.facts;
  }

  /** undefined for a repository that cannot be read, which is logged. */
  async ofListed(project: ForgeProject): Promise<Facts | undefined> {
    try {
      return await this.of(project);
    } catch (error) {
      this.#log.warn({ err: error, project: project.id, directory: project.gitDir }, 'a repository cannot be read');
      return undefined;
    }
  }

  /** After a push or a deletion. */
  forget(project: ForgeProject): void {
    this.#entries.delete(project.id);
  }
}
