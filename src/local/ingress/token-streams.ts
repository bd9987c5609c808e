import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { AccessToken } from '../../session-contract/access-tokens.ts';

/** Maximum delay of a timer in milliseconds. */
const maxTimerMs = 2 ** 31 - 1;

interface TokenStream {
  readonly uid: string;
  readonly token: AccessToken;
  readonly stream: ServerResponse | Duplex;
  timer: NodeJS.Timeout | undefined;
}

/** Open requests and WebSockets with an access token. They are closed when the token is deleted or expires. */
export class TokenStreams {
  readonly #open = new Set<TokenStream>();

  /** `uid` of the JupyterServer. */
  add(uid: string, token: AccessToken, stream: ServerResponse | Duplex): void {
    const entry: TokenStream = { uid, token, stream, timer: undefined };
    this.#open.add(entry);
    this.#closeAtExpiry(entry);
    stream.once('close', () => {
      clearTimeout(entry.timer);
      this.#open.delete(entry);
    });
  }

  /** Closes the streams of the session with other tokens than `tokens`. */
  keepOnly(uid: string, tokens: readonly AccessToken[]): void {
    for (const { stream, token, ...entry } of this.#open) {
      if (entry.uid === uid && !tokens.some(({ hash }) => hash === token.hash)) stream.destroy();
    }
  }

  close(): void {
    for (const { timer } of this.#open) clearTimeout(timer);
  }

  #closeAtExpiry(entry: TokenStream): void {
    const left = Date.parse(entry.token.expires) - Date.now();
    if (left <= 0) entry.stream.destroy();
    else entry.timer = setTimeout(() => this.#closeAtExpiry(entry), Math.min(left, maxTimerMs)).unref();
  }
}
