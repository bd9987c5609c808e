import { describe, expect, it } from 'vitest';
import { testConfig } from '../../../tests/support/sessions/config.ts';
import { registered } from '../../../tests/support/sessions/manifests.ts';
import type { Config } from '../../config/types.ts';
import { buildJupyterServer } from './build.ts';
import type { ManifestInput } from './input.ts';
import { supervisorAbsence } from './supervisor.ts';

type Image = Partial<ManifestInput['image']>;
type Sessions = Partial<Config['sessions']>;

const own = 'registry.example.org/notebook-sessions/session-tools:1';
const configOf = (changes: Sessions = {}) =>
  testConfig({
    git_clone: { ...testConfig().sessions.git_clone, image: own },
    git_rpc_server: { ...testConfig().sessions.git_rpc_server, image: own },
    containers: { anonymous: [], registered: ['jupyter-server', 'oauth2-proxy', 'git-sidecar'] },
    ...changes,
  });
const inputOf = (image: Image) => ({ ...registered, image: { ...registered.image, ...image } });
const absence = (image: Image, sessions?: Sessions) => supervisorAbsence(inputOf(image), configOf(sessions));
const argumentsOf = (image: Image, sessions?: Sessions): unknown =>
  buildJupyterServer(inputOf(image), configOf(sessions))
    .spec?.patches?.flatMap(({ patch }) => (Array.isArray(patch) ? patch : []))
    .find(({ path }) => path.endsWith('/containers/0/args'))?.value;

describe('the supervisor of a session', () => {
  it.each<[Sessions['supervisor'], Image, string | undefined]>([
    ['auto', { runsArguments: true }, undefined],
    ['auto', { runsArguments: false }, 'entrypoint'],
    ['auto', { runsArguments: null }, 'unknown'],
    ['auto', { runsArguments: null, reference: 'registry.example.org/notebook-sessions/session:1' }, undefined],
    ['auto', { runsArguments: false, reference: 'registry.example.org/notebook-sessions/session:1' }, 'entrypoint'],
    ['auto', { runsArguments: false, jupyter: 'entrypoint' }, 'starts-jupyter'],
    ['on', { runsArguments: false }, undefined],
    ['on', { runsArguments: null }, undefined],
    ['on', { runsArguments: false, jupyter: 'entrypoint' }, 'starts-jupyter'],
    ['off', { runsArguments: true }, 'off'],
  ])('with the mode %s and the image %j is absent because of: %s', (supervisor = 'auto', image, expected) => {
    expect(absence(image, { supervisor })).toBe(expected);
  });

  it('uses criu, with the capabilities that criu needs, if that is configured', () => {
    const patchesOf = (sessions: Sessions) =>
      (
        buildJupyterServer(inputOf({ runsArguments: true }), configOf({ supervisor: 'auto', ...sessions })).spec
          ?.patches ?? []
      )
        .flatMap(({ patch }) => (Array.isArray(patch) ? patch : []))
        .filter(({ path, value }) => path.endsWith('/capabilities') || JSON.stringify(value).includes('KERNELS_CRIU'))
        .map(({ value }) => value);
    const variable = { name: 'SESSION_KERNELS_CRIU', value: 'criu' };
    const capabilities = { drop: ['ALL'], add: ['CHECKPOINT_RESTORE', 'SETPCAP'] };
    expect(patchesOf({})).toEqual([]);
    expect(patchesOf({ snapshots: { criu: true } })).toEqual([variable, capabilities]);
    const own = { add: ['SYS_ADMIN'] };
    const security_context = { ...testConfig().sessions.security_context, capabilities: own };
    const found = patchesOf({ snapshots: { criu: true }, security_context });
    expect(found).toHaveLength(2);
    expect(found).toEqual(expect.arrayContaining([variable, own]));
    expect(patchesOf({ snapshots: { criu: true }, supervisor: 'off' })).toEqual([]);
  });

  it('has the mode of the first pattern that matches the whole reference of the image', () => {
    const supervisor_images = [
      { pattern: 'registry.example.org/a.b/*:1', supervisor: 'off' },
      { pattern: 'registry.example.org/*', supervisor: 'on' },
      { pattern: '*', supervisor: 'off' },
    ] as const;
    const of = (reference: string) => absence({ reference, runsArguments: false }, { supervisor_images });
    expect(of('registry.example.org/a.b/c/d:1')).toBe('off');
    expect(of('registry.example.org/a.b/c/d:12')).toBeUndefined();
    expect(of('registry.example.org/axb/c:1')).toBeUndefined();
    expect(of('other.example.org/registry.example.org/c')).toBe('off');
  });

  it.each([
    ['a*c', 'a.b.c', true],
    ['a*c', 'ac', true],
    ['a*', 'ba', false],
    ['*c', 'cb', false],
    // The parts of a pattern do not overlap in the reference.
    ['ab*ba', 'aba', false],
    ['*a*a', 'a', false],
    ['*/b*/b:1', 'a/b:1', false],
    ['*/b*/b:1', 'a/bc/b:1', true],
    ['**', 'anything', true],
    // Takes seconds if each part is tried at each place.
    ['*a'.repeat(30), `${'a'.repeat(4_000)}b`, false],
  ])('takes the pattern %s for the image %s: %s', (pattern, reference, isMatch) => {
    const images = { supervisor_images: [{ pattern, supervisor: 'off' }] } as const;
    expect(absence({ reference, runsArguments: true }, images)).toBe(isMatch ? 'off' : undefined);
  });

  it('is absent without this project’s git-clone, which brings its programs', () => {
    const { git_clone } = testConfig().sessions;
    expect(absence({ runsArguments: true }, { supervisor: 'on', git_clone })).toBe('off');
  });

  it('is put in front of the arguments, which are unchanged without it', () => {
    const state = '/run/notebook-sessions-supervisor/state';
    const front = ['sh', '/run/notebook-sessions-python/start.sh', state];
    expect(argumentsOf({ runsArguments: true })).toEqual([...front, 'jupyter', 'notebook']);
    expect(argumentsOf({ runsArguments: true, jupyter: 'lab' })).toEqual([...front, 'jupyter', 'lab']);
    expect(argumentsOf({ runsArguments: false })).toEqual(['jupyter', 'notebook']);
    expect(argumentsOf({ runsArguments: true }, { supervisor: 'off' })).toEqual(['jupyter', 'notebook']);
    expect(argumentsOf({ jupyter: 'entrypoint' })).toBeUndefined();
  });

  it('without it, the JupyterServer differs in the reason for the agent only', () => {
    const texts = (['off', 'auto'] as const).map((supervisor) =>
      JSON.stringify(buildJupyterServer(inputOf({ runsArguments: false }), configOf({ supervisor }))),
    );
    expect(texts[0]?.replace('"value":"off"', '"value":"entrypoint"')).toBe(texts[1]);
    expect(texts[0]).not.toMatch(/notebook-sessions-(python|supervisor)/);
  });
});
