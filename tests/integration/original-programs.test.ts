import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildJupyterServer } from '../../src/sessions/manifest/build.ts';
import { examples } from '../support/sessions/manifests.ts';
import { originalPrograms, startErrors } from '../support/sessions/original-programs.ts';

const python = process.env['DATACONF_PYTHON'];
if (!python) {
  process.stderr.write(
    '\n  SKIPPED: the settings of the original’s programs. DATACONF_PYTHON=$(tests/dataconf/install)\n\n',
  );
}

interface Case {
  readonly what: string;
  readonly container: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Returns the error of dataconf for each environment; null if the program starts. */
function read(cases: readonly Case[]): (string | null)[] {
  const inputs = cases.map(({ container, environment }) => {
    const { prefix, settings } = originalPrograms.find((each) => each.container === container) ?? {};
    return { prefix, settings, environment };
  });
  const script = join(import.meta.dirname, '../dataconf/read_settings.py');
  const { status, stdout, stderr } = spawnSync(python ?? '', [script], {
    input: JSON.stringify(inputs),
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`read_settings.py failed: ${stderr}`);
  return JSON.parse(stdout) as (string | null)[];
}

/** Returns every environment in the golden manifests that a program of the original reads with dataconf. */
function goldenCases(): Case[] {
  return Object.entries(examples).flatMap(([what, { input, config }]) => {
    const patches = (buildJupyterServer(input, config).spec?.patches ?? []) as { patch: { value?: unknown }[] }[];
    const added = patches.flatMap(({ patch }) =>
      patch.map(({ value }) => value as Partial<AddedContainer> | undefined),
    );
    return added.flatMap((container) => {
      const program = originalPrograms.find(({ container: name, prefix }) => prefix && name === container?.name);
      if (!program || !container?.image?.startsWith('renku/')) return [];
      const environment = (container.env ?? []).map(({ name, value = 'from a Secret' }) => [name, value]);
      return { what, container: program.container, environment: Object.fromEntries(environment) };
    });
  });
}

interface AddedContainer {
  readonly name: string;
  readonly image: string;
  readonly env: readonly { readonly name: string; readonly value?: string }[];
}

describe.skipIf(!python)('the programs of the original, with the library that reads their settings,', () => {
  it('start with the environments of sessions', () => {
    const cases = goldenCases();
    expect(new Set(cases.map(({ container }) => container))).toEqual(new Set(['git-clone', 'git-sidecar']));
    expect(read(cases).map((refusal, index) => [cases[index]?.what, refusal])).toEqual(
      cases.map(({ what }) => [what, null]),
    );
  });

  it('reject the variables that our table says they reject', () => {
    const [good] = goldenCases().filter(({ container }) => container === 'git-clone');
    if (!good) throw new Error('no golden manifest has git-clone');
    const without = (name: string) =>
      Object.fromEntries(Object.entries(good.environment).filter(([each]) => !each.startsWith(name)));
    const bad = [
      without('GIT_CLONE_SENTRY__'),
      without('GIT_CLONE_BRANCH'),
      { ...good.environment, GIT_CLONE_GIT_PROXY_PORT: '65480' },
    ].map((environment) => ({ ...good, environment }));
    expect(read(bad)).toEqual([
      expect.stringContaining('no sentry found'),
      expect.stringContaining('branch'),
      expect.stringContaining('unexpected key(s) "git_proxy_port"'),
    ]);
    for (const { container, environment } of bad) {
      const program = originalPrograms.find((each) => each.container === container);
      expect(program && startErrors(program, environment)).toHaveLength(1);
    }
  });
});
