import type { LogLine } from '../../../src/generated/openapi.ts';
import { EventStream, openStream } from '../event-stream.ts';

/** A client of a log stream, with its own connection. */
export class LogStream extends EventStream {
  static override async open(url: string, headers: Record<string, string> = {}): Promise<LogStream> {
    return new LogStream(await openStream(url, headers));
  }

  /** Returns the lines of one container, or of all. */
  lines(container?: string): string[] {
    return this.events
      .filter(({ event }) => event === 'message')
      .map(({ data }) => data as LogLine)
      .filter((line) => container === undefined || line.container === container)
      .map(({ line }) => line);
  }
}
