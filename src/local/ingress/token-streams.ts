import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { AccessToken } from '../../session-contract/access-tokens.ts';

/** The longest time that a timer takes, in milliseconds. */
const longestTimer = 2 ** 31 - 1;

interface Open {
  readonly uid: string;
  readonly token: AccessToken;
  readonly stream: ServerResponse | Duplex;
  timer: NodeJS.Timeout | undefined;
}

/** Requests and WebSockets that came in with an access token: they end when it is deleted or expires. */
export class TokenStreams {
  readonly #open = new Set<Open>();

  /** `uid`: of the session's object. */
  add(uid: string, token: AccessToken, stream: ServerResponse | Duplex): void {
    const entry: Open = { uid, token, stream, timer: undefined };
    this.#open.add(entry);
    this.#endInTime(entry);
    stream.once('close', () => {
      clearTimeout(entry.timer);
      this.#open.delete(entry);
    });
  }

  /** Ends those of the session whose token is not among `tokens`. */
  keepOnly(uid: string, tokens: readonly AccessToken[]): void {
    for (const { stream, token, ...entry } of this.#open) {
      if (entry.uid === uid && !tokens.some(({ hash }) => hash === token.hash)) stream.destroy();
    }
  }

  close(): void {
    for (const { timer } of this.#open) clearTimeout(timer);
  }

  #endInTime(entry: Open): void {
    const left = Date.parse(entry.token.expires) - Date.now();
    if (left <= 0) entry.stream.destroy();
    else entry.timer = setTimeout(() => this.#endInTime(entry), Math.min(left, longestTimer)).unref();
  }
}
