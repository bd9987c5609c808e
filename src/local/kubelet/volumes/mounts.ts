import { posix } from 'node:path';

/** A path in the container, and the file or folder of this machine that replaces it. */
export interface Mount {
  path: string;
  source: string;
}

/** Returns the path without `.`, `..`, double or trailing slashes. Throws if the path is not absolute. */
export function containerPath(path: string): string {
  if (!path.startsWith('/') || path.includes('\0')) throw new Error(`${JSON.stringify(path)} is not an absolute path`);
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

/**
 * Returns the path on this machine of a container's `path`: below the innermost mount that contains it; undefined if no mount
 * does. The result is always inside that mount's source, even if `path` contains dots.
 */
export function realPath(mounts: readonly Mount[], path: string): string | undefined {
  const wanted = containerPath(path);
  const innermost = mounts
    .filter((mount) => isAtOrBelow(wanted, mount.path))
    .reduce<Mount | undefined>(
      (best, mount) => (best && best.path.length >= mount.path.length ? best : mount),
      undefined,
    );
  return innermost && posix.join(innermost.source, wanted.slice(innermost.path === '/' ? 0 : innermost.path.length));
}

export function isAtOrBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`);
}

/** Returns the path on this machine if `value` is a path in a mount; otherwise `value`. */
export function rewriteValue(mounts: readonly Mount[], value: string): string {
  if (!value.startsWith('/') || value.includes('\0')) return value;
  return realPath(mounts, value) ?? value;
}

/** Returns a relative path inside a volume (`subPath`, a key's `path`). Throws if the path leaves the volume. */
export function relativePath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (path.startsWith('/') || path.includes('\0') || parts.includes('..')) {
    throw new Error(`${JSON.stringify(path)} is not a path inside a volume`);
  }
  return parts.join('/');
}

const label = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const subdomain = /^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/;
const dataKey = /^(?!\.\.?$)[-._a-zA-Z0-9]{1,253}$/;

/**
 * Returns `name` if it follows Kubernetes' rule for such names; otherwise throws. The API server checks names, too. They are
 * checked again here because they become names of folders.
 */
export function folderName(kind: 'label' | 'subdomain' | 'key', name: string): string {
  const rule = { label, subdomain, key: dataKey }[kind];
  if (!rule.test(name) || name.includes('..')) throw new Error(`${JSON.stringify(name)} is not a valid name`);
  return name;
}
