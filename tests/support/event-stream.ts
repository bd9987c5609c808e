import { once } from 'node:events';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { createInterface } from 'node:readline';

export interface ReceivedEvent {
  /** `message` if the event has no type. */
  readonly event: string;
  readonly id: string;
  readonly data: unknown;
}

/** Opens a stream and returns its response. */
export async function openStream(url: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  const request = url.startsWith('https:') ? requestHttps : requestHttp;
  const call = request(url, { agent: false, headers: { accept: 'text/event-stream', ...headers } });
  call.end();
  const [message] = (await once(call, 'response')) as [IncomingMessage];
  return message;
}

/** A client of a stream of server-sent events, with its own connection. */
export class EventStream {
  readonly message: IncomingMessage;
  readonly events: ReceivedEvent[] = [];
  comments = 0;
  /** The last event id, as a browser stores it. */
  lastId = '';
  /** Milliseconds. */
  retry: number | undefined;
  isOver = false;

  constructor(message: IncomingMessage) {
    this.message = message;
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<EventStream> {
    return new EventStream(await openStream(url, headers));
  }

  /** Starts to read the events. */
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
    // A broken connection also ends the stream; the reader of the lines reports the error, too.
    lines.on('error', () => undefined);
    this.message.on('error', () => undefined);
    this.message.on('close', () => {
      this.isOver = true;
    });
    return this;
  }

  /** Returns the data of all events of a type. */
  named<T>(name: string): T[] {
    return this.events.filter(({ event }) => event === name).map(({ data }) => data as T);
  }

  /** The reason of the `end` event. */
  get ending(): string | undefined {
    return this.named<{ reason: string }>('end')[0]?.reason;
  }

  close(): void {
    this.message.destroy();
  }
}
