import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ada,
  runGit,
  runPython,
  type ServedForge,
  serveForge,
} from '../../../tests/support/local/forge/served-forge.ts';
import { toPathSegment } from './names.ts';

let served: ServedForge;
beforeEach(async () => {
  served = await serveForge();
});
afterEach(() => served.close());

describe('the demo project', () => {
  it('is created once, with the same commits on every machine', async () => {
    const [demo, same] = await Promise.all([served.forge.ensureDemoProject(), served.forge.ensureDemoProject()]);
    expect(same.id).toBe(demo.id);
    const refs = await runGit(demo.gitDir, 'for-each-ref', '--format=%(refname:short) %(objectname)');
    // The ids change with the files of the demo. The README and the screenshots may contain the ids.
    expect(refs.split('\n')).toEqual([
      'main 5d75d18c3787a7c5bfde00a333be5e3c32e431d8',
      'solar-minima c697a3aefee247e0d9156ec507aff4b9df59b042',
    ]);
    expect(await runGit(demo.gitDir, 'log', '--format=%s', 'solar-minima')).toBe(
      [
        'Find the quiet years',
        'Keep checkpoints out of the repository',
        "Find the period of the Sun's cycle",
        'Add three centuries of sunspots',
      ].join('\n'),
    );
    await runGit(demo.gitDir, 'fsck', '--strict');
  });

  it('has a notebook that needs only Python, and one that lists its requirements', async () => {
    const demo = await served.forge.ensureDemoProject();
    const clone = join(served.scratch, 'clone');
    await runGit(served.scratch, 'clone', '--quiet', '--branch', 'solar-minima', demo.gitDir, clone);
    const code = (name: string) => {
      const notebook = JSON.parse(readFileSync(join(clone, name), 'utf8')) as {
        cells: { cell_type: string; source: string[] }[];
      };
      const cells = notebook.cells.filter(({ cell_type }) => cell_type === 'code');
      return cells.map(({ source }) => source.join('')).join('\n');
    };
    expect(await runPython(clone, code('minima.ipynb'))).toContain('27 minima');
    // tests/integration/project-packages.test.ts runs it.
    const needed = readFileSync(join(clone, 'requirements.txt'), 'utf8').split('\n').slice(1, -1);
    const imported = [...code('first-light.ipynb').matchAll(/^import (\w+)/gm)].map(([, name]) => name);
    expect(imported).toEqual(['numpy', 'matplotlib', 'subprocess']);
    expect(needed.toSorted()).toEqual(['matplotlib', 'numpy']);
  });
});

describe('the state', () => {
  it('contains no token and is readable by its owner only', async () => {
    const { token, expiresAt } = served.forge.issueToken(ada, new Date('2100-01-01T00:00:00Z'));
    expect(expiresAt?.getFullYear()).toBe(2100);
    const file = join(served.directory, 'forge.json');
    expect(readFileSync(file, 'utf8')).not.toContain(token);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(served.directory).mode & 0o777).toBe(0o700);
  });

  it('is restored at the next start: users, projects and tokens', async () => {
    const { token } = served.forge.issueToken(ada);
    const { id } = await served.forge.createProject({
      namespace: 'a',
      path: 'b',
      members: [{ username: 'ada', accessLevel: 30 }],
    });
    const again = await serveForge({ directory: served.directory });
    try {
      const response = await fetch(`${again.url}/api/v4/projects/a%2Fb`, {
        headers: { authorization: `Bearer ${token}` },
      });
      expect(await response.json()).toMatchObject({ id, empty_repo: true, default_branch: null });
      expect((await again.forge.createProject({ namespace: 'a', path: 'c' })).id).toBe(id + 1);
    } finally {
      await again.close();
    }
  });

  it('is an error if it is damaged', async () => {
    const damaged = ['{"version":1', '{"version":1,"users":[],"projects":[null],"tokens":[]}'];
    for (const content of damaged) {
      writeFileSync(join(served.directory, 'forge.json'), content);
      await expect(serveForge({ directory: served.directory })).rejects.toThrow(/forge\.json is damaged/);
    }
  });
});

describe('names', () => {
  it('of projects are rejected if they are invalid or already used, and no project is created', async () => {
    const create = (namespace: string, path: string) => served.forge.createProject({ namespace, path });
    for (const path of ['..', '.', '', 'a/b', 'a.git', '-x', 'a b', 'x..y'])
      await expect(create('n', path), path).rejects.toThrow();
    await create('n', 'Taken');
    await expect(create('N', 'taken')).rejects.toThrow(/exists already/);
  });

  it('are created from any directory name', () => {
    expect(toPathSegment('My Thesis (final) v2.git', 'project')).toBe('My-Thesis-final-v2');
    expect(toPathSegment('Übung', 'project')).toBe('Ubung');
    expect(toPathSegment('数据', 'project')).toBe('project');
    expect(toPathSegment('..', 'project')).toBe('project');
    expect(toPathSegment('-rf', 'project')).toBe('rf');
  });
});
