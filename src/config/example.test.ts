import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isObject } from '../lib/json.ts';
import { keyNames } from './describe.ts';
import { parseHocon } from './hocon.ts';
import { loadConfig } from './load.ts';

const path = join(import.meta.dirname, '../../.config.hocon.example');
const text = readFileSync(path, 'utf8');
/** The file with all defaults active; a comment has a blank after the #. */
const whole = text.replaceAll(/^(\s*)#(?=\S)/gm, '$1');

const directory = mkdtempSync(join(tmpdir(), 'config-example-'));
afterAll(() => rmSync(directory, { recursive: true }));

describe('.config.hocon.example', () => {
  it('is valid with the values that the file sets', () => {
    const { config, warnings } = loadConfig({ CONFIG_FILE: path, OIDC_CLIENT_SECRET: 'the client’s secret' });
    expect(config).toMatchObject({
      git: { url: 'https://gitlab.example.org', registry: 'registry.example.org' },
      sessions: {
        ingress: { host: 'sessions.example.org', tls_secret: 'sessions-example-org-tls' },
        oidc: { client_secret: 'the client’s secret' },
      },
    });
    expect(warnings).toEqual([expect.stringContaining('identity.gateway is trusted')]);
  });

  it('contains every key', () => {
    const { tree, errors } = parseHocon(whole, {});
    expect(errors).toEqual([]);
    const isThere = (key: string): boolean => {
      const groups = key.split('.');
      const last = groups.pop() ?? '';
      const group = groups.reduce<unknown>((inner, name) => (isObject(inner) ? inner[name] : undefined), tree);
      return isObject(group) && Object.hasOwn(group, last);
    };
    // This key is set in the environment.
    const missing = keyNames().filter((key) => !isThere(key));
    expect(missing).toEqual(['sessions.oidc.client_secret']);
    expect(text).toContain('client_secret = ');
  });

  it('contains the real defaults', () => {
    const uncommented = join(directory, 'whole.hocon');
    writeFileSync(uncommented, whole);
    const [shown, real] = [uncommented, path].map((CONFIG_FILE) => loadConfig({ CONFIG_FILE }));
    expect(shown).toEqual(real);
  });

  it('has a comment before every key, or before its group', () => {
    const lines = text.split('\n');
    const unexplained = lines.filter((line, index) => {
      if (!/^\s*#[a-z_]/.test(line)) return false;
      const before = lines.slice(0, index).findLastIndex((each) => /^\s*# /.test(each));
      return before === -1 || lines.slice(before, index).some((each) => each.trim() === '');
    });
    expect(unexplained.map((line) => line.trim())).toEqual([]);
  });
});
