import { readKept, writePrivate } from '../state-files.ts';
import type { Browsers } from './browsers.ts';
import type { LocalUser } from './users.ts';

const weekMs = 7 * 24 * 60 * 60 * 1000;

/** One cookie of one host, as curl's cookie files hold them (the format of Netscape's `cookies.txt`). */
export interface FileCookie {
  host: string;
  name: string;
  value: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

/** The value of the cookie of that name; undefined without file or cookie. */
export function readCookieFile(file: string, name: string): string | undefined {
  return readKept(file)
    ?.split('\n')
    .map((line) => line.split('\t'))
    .find((fields) => fields[5] === name)?.[6]
    ?.trim();
}

/** For the owner's eyes only: the file is as good as a password. */
export function writeCookieFile(file: string, { host, name, value, expiresAt }: FileCookie): void {
  // Domain (with the mark for HttpOnly), subdomains, path, secure, expiry, name, value.
  const line = [`#HttpOnly_${host}`, 'FALSE', '/', 'FALSE', String(Math.floor(expiresAt / 1000)), name, value].join(
    '\t',
  );
  writePrivate(file, `# Netscape HTTP Cookie File\n# Signs in as you. For: curl -b ${file}\n${line}\n`);
}

/** The cookie of the file from before while it is good for another week, else a new one. Always the owner's. */
export function keepCookieFile(
  file: string,
  cookie: { host: string; name: string },
  browsers: Browsers,
  owner: LocalUser,
  now: () => number,
): string {
  const osUser = process.getuid?.() ?? null;
  const kept = readCookieFile(file, cookie.name);
  const browser = kept === undefined ? undefined : browsers.byCookie(kept);
  const isOwners = browser?.user?.username === owner.username && browser.osUser === osUser;
  if (kept !== undefined && isOwners && browser.expiresAt - now() > weekMs) return kept;
  const opened = browsers.open(owner, osUser, browser);
  writeCookieFile(file, { ...cookie, value: opened.cookie, expiresAt: opened.browser.expiresAt });
  return opened.cookie;
}
