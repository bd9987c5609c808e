import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';
import type { LogEnd, LogLine } from '../../../src/generated/openapi.ts';

export interface ReceivedEvent {
  /** `message` where the event has no name. */
  readonly event: string;
  readonly id: string;
  readonly data: unknown;
}

/** A client of a log stream, over a connection of its own. */
export class LogStream {
  readonly message: IncomingMessage;
  readonly events: ReceivedEvent[] = [];
  comments = 0;
  /** As a browser keeps it. */
  lastId = '';
  /** Milliseconds. */
  retry: number | undefined;
  isOver = false;

  private constructor(message: IncomingMessage) {
    this.message = message;
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<LogStream> {
    const call = request(url, { agent: false, headers: { accept: 'text/event-stream', ...headers } });
    call.end();
    const [message] = (await once(call, 'response')) as [IncomingMessage];
    return new LogStream(message);
  }

  /** Begins to take what comes. */
  read(): this {
    let fields: Record<string, string> = {};
    const lines = createInterface({ input: this.message, crlfDelay: Number.POSITIVE_INFINITY });
    lines.on('line', (line) => {
      if (line.startsWith(':')) this.comments += 1;
      const colon = line.indexOf(': ');
      if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 2);
      if (line.startsWith('retry: ')) this.retry = Number(line.slice('retry: '.length));
      if (line !== '') return;
      if (fields['id'] !== undefined) this.lastId = fields['id'];
      if (fields['data'] !== undefined) {
        this.events.push({
          event: fields['event'] ?? 'message',
          id: this.lastId,
          data: JSON.parse(fields['data']) as unknown,
        });
      }
      fields = {};
    });
    // Cut connections end it, too.
    this.message.on('error', () => undefined);
    this.message.on('close', () => {
      this.isOver = true;
    });
    return this;
  }

  /** Lines of one container, or of all. */
  lines(container?: string): string[] {
    return this.events
      .filter(({ event }) => event === 'message')
      .map(({ data }) => data as LogLine)
      .filter((line) => container === undefined || line.container === container)
      .map(({ line }) => line);
  }

  named<T>(name: string): T[] {
    return this.events.filter(({ event }) => event === name).map(({ data }) => data as T);
  }

  get ending(): LogEnd['reason'] | undefined {
    return this.named<LogEnd>('end')[0]?.reason;
  }

  close(): void {
    this.message.destroy();
  }
}
