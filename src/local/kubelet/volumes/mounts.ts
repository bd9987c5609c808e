import { posix } from 'node:path';

/** A container's path and the place on this machine that stands for it. */
export interface Mount {
  path: string;
  source: string;
}

/** The path without `.`, `..`, double or trailing slashes. Throws for one that no container could have. */
export function containerPath(path: string): string {
  if (!path.startsWith('/') || path.includes('\0')) throw new Error(`${JSON.stringify(path)} is not an absolute path`);
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

/**
 * Where `path` really is: below the mount that holds it most closely; undefined when none does. What is returned is
 * never outside that mount's source, whatever dots the path has.
 */
export function realPath(mounts: readonly Mount[], path: string): string | undefined {
  const wanted = containerPath(path);
  const holder = mounts
    .filter((mount) => isAtOrBelow(wanted, mount.path))
    .reduce<Mount | undefined>(
      (best, mount) => (best && best.path.length >= mount.path.length ? best : mount),
      undefined,
    );
  return holder && posix.join(holder.source, wanted.slice(holder.path === '/' ? 0 : holder.path.length));
}

export function isAtOrBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`);
}

/** `value` with the container's path in it replaced by the real one, where all of it is such a path. */
export function rewriteValue(mounts: readonly Mount[], value: string): string {
  if (!value.startsWith('/') || value.includes('\0')) return value;
  return realPath(mounts, value) ?? value;
}

/** A relative path below a volume's root (`subPath`, a key's `path`). Throws where it would leave it. */
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
 * `name` as one part of a path, after the rule that Kubernetes has for it. The API server checks names too; here they
 * become folders of the machine, so nothing is believed.
 */
export function folderName(kind: 'label' | 'subdomain' | 'key', name: string): string {
  const rule = { label, subdomain, key: dataKey }[kind];
  if (!rule.test(name) || name.includes('..')) throw new Error(`${JSON.stringify(name)} is not a valid name`);
  return name;
}
