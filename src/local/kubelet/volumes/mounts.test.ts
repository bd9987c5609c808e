import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { containerPath, folderName, realPath, relativePath, rewriteValue } from './mounts.ts';

const mounts = [
  { path: '/home/jovyan/work', source: '/state/volumes/ns/claim' },
  { path: '/home/jovyan/work/.jupyter_config', source: '/state/pods/u/volumes/jupyter-config' },
];

describe('realPath', () => {
  it('returns the path below the innermost mount', () => {
    expect(realPath(mounts, '/home/jovyan/work/group/project/')).toBe('/state/volumes/ns/claim/group/project');
    expect(realPath(mounts, '/home/jovyan/work/.jupyter_config/x.py')).toBe(
      '/state/pods/u/volumes/jupyter-config/x.py',
    );
    expect(realPath(mounts, '/home/jovyan/work')).toBe('/state/volumes/ns/claim');
  });

  it('returns undefined for a path that is not in the mount but begins with the same characters', () => {
    expect(realPath(mounts, '/home/jovyan/workshop')).toBeUndefined();
    expect(realPath(mounts, '/home/jovyan/work/../../etc/passwd')).toBeUndefined();
  });

  it('uses a mount of the root for every path', () => {
    expect(realPath([{ path: '/', source: '/state/root' }], '/etc/x')).toBe('/state/root/etc/x');
  });

  it('never returns a path outside of the source', () => {
    const part = fc.constantFrom('..', '.', '', 'work', 'a b', '~', '-rf', 'home', 'jovyan', '\n', '%2e%2e', '...');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const real = realPath(mounts, `/home/jovyan/work/${parts.join('/')}`);
        if (real === undefined) return;
        expect(join(real)).toMatch(/^\/state\/(volumes\/ns\/claim|pods\/u\/volumes\/jupyter-config)(\/|$)/);
      }),
    );
  });
});

describe('rewriteValue', () => {
  it('replaces a value that is a path in a mount, and no other value', () => {
    expect(rewriteValue(mounts, '/home/jovyan/work/p')).toBe('/state/volumes/ns/claim/p');
    for (const text of ['', 'work', '/usr/bin', 'see /home/jovyan/work', '/home/jovyan/work/../..', '/a\0b']) {
      expect(rewriteValue(mounts, text)).toBe(text);
    }
  });
});

describe('names that become folders', () => {
  it('rejects names that could leave a folder', () => {
    for (const bad of ['', '.', '..', 'a/b', '../x', 'a..b', 'A', '-a', 'a\0', 'a\n', 'x'.repeat(300)]) {
      expect(() => folderName('label', bad)).toThrow();
      expect(() => folderName('subdomain', bad)).toThrow();
    }
    for (const bad of ['', '.', '..', '../x', 'a/b', '..data', 'a\0b']) expect(() => folderName('key', bad)).toThrow();
    expect(folderName('key', '.dockerconfigjson')).toBe('.dockerconfigjson');
    expect(folderName('subdomain', 'demo-1.x')).toBe('demo-1.x');
  });

  it('rejects a subPath that leaves its volume', () => {
    for (const bad of ['/etc', '..', 'a/../../b', 'a/..', '\0']) expect(() => relativePath(bad)).toThrow();
    expect(relativePath('a//./b/')).toBe('a/b');
  });

  it('rejects a container path that is not absolute', () => {
    for (const bad of ['', 'a', './a', '/a\0b']) expect(() => containerPath(bad)).toThrow();
    expect(containerPath('//a/./b/../c/')).toBe('/a/c');
  });
});
