import { readKept, writePrivate } from '../state-files.ts';
import type { Browsers } from './browsers.ts';
import type { LocalUser } from './users.ts';

const weekMs = 7 * 24 * 60 * 60 * 1000;

/** One cookie of one host, in a cookie file of curl (the Netscape format, `cookies.txt`). */
interface FileCookie {
  host: string;
  name: string;
  value: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

/** Returns the value of the cookie; undefined if there is no such file or cookie. */
function readCookieFile(file: string, name: string): string | undefined {
  return readKept(file)
    ?.split('\n')
    .map((line) => line.split('\t'))
    .find((fields) => fields[5] === name)?.[6]
    ?.trim();
}

/** Writes the file for the owner only (0600): its content gives the same access as a password. */
function writeCookieFile(file: string, { host, name, value, expiresAt }: FileCookie): void {
  // Domain (with the mark for HttpOnly), subdomains, path, secure, expiry, name, value.
  const fields = [`#HttpOnly_${host}`, 'FALSE', '/', 'FALSE', String(Math.floor(expiresAt / 1000)), name, value];
  writePrivate(
    file,
    `# Netscape HTTP Cookie File\n# Signs in as you. Use it with: curl -b ${file}\n${fields.join('\t')}\n`,
  );
}

/**
 * Returns the owner's cookie: the one in the file if it is valid for another week; otherwise a new one, which is written to
 * the file.
 */
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
  const signedIn = browsers.signIn(owner, osUser, browser);
  writeCookieFile(file, { ...cookie, value: signedIn.cookie, expiresAt: signedIn.browser.expiresAt });
  return signedIn.cookie;
}
