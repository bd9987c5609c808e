import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CommitFile } from '../../src/local/forge/commit-files.ts';
import { keptFreeBytes } from '../../src/local/images/build.ts';
import {
  type CommitImages,
  type CommitImagesOptions,
  createCommitImages,
} from '../../src/local/images/commit-images.ts';
import type { ProvidedImage } from '../../src/local/images/types.ts';
import { listMarked } from '../../src/local/machine/processes.ts';
import { preparePython } from '../../src/local/python/prepare.ts';
import type { PythonEnvironment } from '../../src/local/python/types.ts';
import { type PackageIndex, startPackageIndex, type TestPackage } from '../support/package-index.ts';
import { patience } from '../support/wait-for.ts';

/** Environments of commits, built by the real uv from a package index of this test. */

const packages: TestPackage[] = [
  { name: 'alpha', version: '1.0' },
  { name: 'alpha', version: '2.0', requires: ['beta>=1'] },
  { name: 'beta', version: '1.5' },
  { name: 'gamma', version: '1.0', isSource: true },
  { name: 'delta', version: '1.0', tag: 'py3-none-win_amd64' },
  { name: 'traitlets', version: '4.3' },
  { name: 'traitlets', version: '9.0' },
  { name: 'ipykernel', version: '4.10', requires: ['traitlets>=4'] },
  { name: 'extra', version: '1.0', requires: ["beta ; extra == 'all'"] },
];

let python: PythonEnvironment;
let index: PackageIndex;
let cacheDir: string;
let marker: string;
const registry = '127.0.0.1:8000';

beforeAll(async () => {
  const cacheHome = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const progress = (line: string) => void process.stderr.write(`  ${line}\n`);
  const signal = AbortSignal.timeout(540_000);
  python = await preparePython({ cacheDir: join(cacheHome, 'notebook-sessions'), progress, signal });
});
beforeEach(async () => {
  index = await startPackageIndex(packages);
  cacheDir = mkdtempSync(join(tmpdir(), 'commit-images-'));
  marker = `test-${cacheDir.slice(-6)}`;
});
afterEach(async () => {
  await index[Symbol.asyncDispose]();
  rmSync(cacheDir, { recursive: true, force: true });
});

const file = (name: string, content: string | Buffer): CommitFile => {
  const bytes = Buffer.from(content);
  return { name, isLink: false, size: bytes.length, content: bytes };
};

/** Returns the images of a project with these commits: the first 7 characters of each commit to its files. */
function images(commits: Record<string, CommitFile[]>, more: Partial<CommitImagesOptions> = {}): CommitImages {
  return createCommitImages({
    registry,
    source: {
      files: async (project, commit) => (project === 'group/project' ? commits[commit] : undefined),
    },
    environment: python,
    cacheDir,
    env: { PATH: process.env['PATH'], HOME: cacheDir, UV_DEFAULT_INDEX: index.url, UV_HTTP_RETRIES: '0' },
    marker,
    log: pino({ level: 'silent' }),
    ...more,
  });
}

const reference = (commit: string) => `${registry}/group/project:${commit}`;
const forever = new AbortController().signal;

async function provide(
  of: CommitImages,
  commit = 'aaaaaaa',
  lines: string[] = [],
  signal = forever,
): Promise<ProvidedImage> {
  const image = await of.find(reference(commit), signal);
  if (!image) throw new Error(`there is no image of ${commit}`);
  return 'build' in image ? await image.build((line) => lines.push(line), signal) : image;
}

const requirements = (text: string) => ({ aaaaaaa: [file('requirements.txt', text)] });

/** Returns the packages of the layer: the names of their folders. */
function layerOf({ environment }: ProvidedImage): string[] {
  const [layer = ''] = environment.sitePackages;
  return readdirSync(layer)
    .filter((name) => name.endsWith('.dist-info'))
    .map((name) => name.replace('.dist-info', ''))
    .sort();
}

describe('the environment of a commit', () => {
  it('is a layer over the image with the required packages, and is available at once the next time', async () => {
    const lines: string[] = [];
    const of = images(requirements('\ufeffalpha # the newest\r\n'));
    const built = await provide(of, 'aaaaaaa', lines);
    expect(built.warning).toBeUndefined();
    expect(layerOf(built)).toEqual(['alpha-2.0', 'beta-1.5']);
    const { programs, sitePackages, python: interpreter, jupyter } = built.environment;
    expect(sitePackages.slice(1)).toEqual(python.sitePackages);
    expect(programs.slice(1)).toEqual(python.programs);
    expect({ interpreter, jupyter }).toEqual({ interpreter: python.python, jupyter: python.jupyter });
    expect(lines[0]).toBe('Installing the 1 requirements of requirements.txt');
    expect(lines.join('\n')).toContain('+ alpha==2.0');

    const requestsBefore = index.requestedPaths.length;
    for (const another of [of, images(requirements('\ufeffalpha # the newest\r\n'))]) {
      const again = await another.find(reference('aaaaaaa'), forever);
      expect(again).toEqual(built);
    }
    expect(index.requestedPaths.length).toBe(requestsBefore);
  });

  it('contains a kernel of its own if the required packages break that of the image, and only then', async () => {
    const plain = await provide(images(requirements('traitlets\n')));
    expect(layerOf(plain)).toEqual(['traitlets-9.0']);
    const own = await provide(images({ aaaaaaa: [file('requirements.txt', 'traitlets<5\n')] }));
    expect(own.warning).toBeUndefined();
    expect(layerOf(own)).toEqual(['ipykernel-4.10', 'traitlets-4.3']);
    const none = await provide(images({ aaaaaaa: [file('requirements.txt', 'traitlets<3\n')] }));
    expect(none.environment).toBe(python);
    expect(none.warning).toMatch(
      /A compatible kernel \(ipykernel\) is required, too.*traitlets<3.*Correct requirements/,
    );
  });

  it('has the packages of pyproject.toml or environment.yml, without a build of the project', async () => {
    const marked = join(cacheDir, 'was-run');
    const project = [
      '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "backend"\nbackend-path = ["."]',
      '[project]\nname = "mine"\nversion = "1"\nrequires-python = ">=3.8"',
      'dependencies = [\n  "alpha==1.0 ; python_version >= \'3\'",\n  "beta @ https://example.org/beta.whl",\n  "local",\n]',
      '[project.optional-dependencies]\ndev = ["nothing-of-this"]',
      '[tool.uv]\nindex-url = "http://127.0.0.1:9/"\n[tool.uv.sources]\nlocal = { path = "../local" }',
    ].join('\n');
    const toml = await provide(
      images({
        aaaaaaa: [
          file('requirements.txt', '-e .\n'),
          file('pyproject.toml', project),
          file('backend.py', `open(${JSON.stringify(marked)}, 'w')`),
        ],
      }),
    );
    expect(layerOf(toml)).toEqual(['alpha-1.0']);
    expect(existsSync(marked)).toBe(false);
    expect(toml.warning).toContain('requirements.txt:1 "-e ." (an option)');
    expect(toml.warning).toContain('pyproject.toml:11 "beta @ https://example.org/beta.whl" (an address)');
    expect(toml.warning).toContain('pyproject.toml:12 "local" (in [tool.uv.sources])');
    expect(toml.warning).toContain('pip install -r requirements.txt ; pip install .');

    const yml =
      'name: x\ndependencies:\n  - python\n  - scipy=1.10\n  - pip\n  - pip:\n    - extra[all]==1.0\n    - -r more.txt\n';
    const conda = await provide(images({ aaaaaaa: [file('environment.yml', yml)] }));
    expect(layerOf(conda)).toEqual(['beta-1.5', 'extra-1.0']);
    expect(conda.warning).toContain(
      'environment.yml:4 "scipy=1.10" (a conda package), environment.yml:8 "-r more.txt" (an option)',
    );
  });

  it('is the image alone, with the reason, if a file cannot be read or requires nothing', async () => {
    const dynamic = '[project]\nname = "x"\ndynamic = ["dependencies"]\n';
    for (const [files, why] of [
      [[file('requirements.txt', '# nothing yet\n')], undefined],
      [[file('pyproject.toml', '[tool.black]\nline-length = 100\n')], undefined],
      [
        [{ name: 'requirements.txt', isLink: true, size: 11, content: undefined }],
        'symbolic link, which is not followed. In a terminal of the session: pip install -r requirements.txt',
      ],
      [[{ name: 'requirements.txt', isLink: false, size: 100_000_000, content: undefined }], 'has 100 MB'],
      [[file('requirements.txt', Buffer.from([0x61, 0, 0x62]))], 'not UTF-8 text'],
      [[file('requirements.txt', Buffer.from([0xe9, 0x0a]))], 'not UTF-8 text'],
      [[file('requirements.txt', 'alpha\n'.repeat(100_000))], 'has 100000 requirements'],
      [[file('pyproject.toml', dynamic)], 'only a build computes them'],
      [[file('pyproject.toml', 'x = [')], 'not valid TOML'],
      [[file('pyproject.toml', `x = ${'['.repeat(100_000)}`)], 'nested too deeply'],
      [[file('pyproject.toml', '[tool.poetry.dependencies]\nnumpy = "1"\n')], '[tool.poetry]'],
      [[file('environment.yml', 'dependencies: [a')], 'not valid YAML'],
    ] as const) {
      const { environment, warning } = await provide(images({ aaaaaaa: [...files] }));
      expect(environment).toBe(python);
      if (why === undefined) expect(warning).toBeUndefined();
      else expect(warning).toContain(why);
    }
    expect(index.requestedPaths).toEqual([]);
  });

  it('ignores lines that would read other files, call other hosts or use a variable', async () => {
    const text = [
      'beta',
      '--index-url http://127.0.0.1:9/simple',
      '-r /etc/passwd',
      'git+https://user:secret@127.0.0.1:9/x.git',
      './local',
      'alpha.whl',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the syntax of uv's variables
      'alpha==${HOME}',
      'alpha --no-binary=:all:',
      '-f http://127.0.0.1:9/',
    ].join('\n');
    const built = await provide(images(requirements(text)));
    expect(layerOf(built)).toEqual(['beta-1.5']);
    expect(built.warning).toMatch(/requirements\.txt:4 "git\+https:\/\/127\.0\.0\.1:9\/x\.git" \(an address\)/);
    expect(built.warning).toContain('and 2 more');
    expect(built.warning).not.toContain('secret');
    expect([...new Set(index.requestedPaths)].every((path) => path.includes('beta'))).toBe(true);
  });

  it('checks hashes, and rejects a file with another hash', async () => {
    const right = `beta==1.5 \\\n    --hash=sha256:${index.hashOf('beta')}\n`;
    expect(layerOf(await provide(images(requirements(right))))).toEqual(['beta-1.5']);
    const wrong = await provide(images(requirements(`beta==1.5 --hash=sha256:${'0'.repeat(64)}\n`)));
    expect(wrong.environment).toBe(python);
    expect(wrong.warning).toMatch(/Hash mismatch.*Correct the hashes in requirements\.txt/);
  });
});

describe('a failed build does not change the image, and reports uv’s reason, its cause and what to do:', () => {
  it.each([
    [
      'no such package',
      'missing-package',
      /uv reports: No solution found when resolving dependencies\. Because missing-package was not found.*Correct requirements\.txt, commit it/,
    ],
    ['versions that exclude each other', 'alpha==1.0\nalpha==2.0', /alpha==1\.0 and alpha==2\.0.*Correct requirements/],
    ['only a source archive', 'gamma', /gamma.*no usable wheels.*Only built packages \(wheels\) are installed/],
    ['only for another system', 'delta', /delta.*Only built packages|delta.*no wheels/],
    ['a marker that is none', 'alpha ; python_vershun < "4"', /python_vershun.*Correct requirements\.txt/],
  ])('%s', async (_, text, why) => {
    const failed = await provide(images(requirements(text)));
    expect(failed.environment).toBe(python);
    expect(failed.warning).toMatch(
      /^The packages of requirements\.txt are not installed; the session uses the default/,
    );
    expect(failed.warning).toMatch(why);
    expect(failed.warning).not.toContain(cacheDir);
    const left = readdirSync(join(cacheDir, 'environments')).filter((name) => !/\.(lock|txt)$/.test(name));
    expect(left).toEqual([]);
  });

  it.each([
    [401, /rejects the requests of this machine: check UV_DEFAULT_INDEX/],
    [503, /cannot be reached: connect this machine/],
  ])('the index responds with %i', async (status, why) => {
    index.instead = () => status;
    expect((await provide(images(requirements('alpha')))).warning).toMatch(why);
    // A failure is not cached: the next launch tries again.
    index.instead = () => undefined;
    expect(layerOf(await provide(images(requirements('alpha'))))).toContain('alpha-2.0');
  });

  it('the disk is nearly full, also while it is built', async () => {
    const full = images(requirements('alpha'), { free: async () => keptFreeBytes - 1 });
    expect((await provide(full)).warning).toMatch(/nearly full.*free some space/);
    const held = Promise.withResolvers<void>();
    index.instead = (path) => (path.endsWith('.whl') ? held.promise : undefined);
    let free = keptFreeBytes;
    const filling = provide(images(requirements('alpha'), { free: async () => free }));
    await vi.waitFor(() => expect(index.requestedPaths.some((path) => path.endsWith('.whl'))).toBe(true), patience);
    free = 0;
    expect((await filling).warning).toMatch(/nearly full/);
    held.resolve();
  });

  it('the time limit', async () => {
    const held = Promise.withResolvers<void>();
    index.instead = () => held.promise;
    const { warning } = await provide(images(requirements('alpha'), { buildMs: 2_000 }));
    expect(warning).toMatch(/time limit of 2 seconds was exceeded/);
    held.resolve();
    await vi.waitFor(() => expect(listMarked(`${marker}/`).size).toBe(0), patience);
  });
});

it('a repository that cannot be read causes a warning, and the session starts', async () => {
  const files = async () => {
    throw new Error('git ls-tree failed in /secret/place');
  };
  const { environment, warning } = await provide(images({}, { source: { files } }));
  expect(environment).toBe(python);
  expect(warning).toMatch(/^The project's packages are not installed.*The reason is in the log of the platform/);
  expect(warning).not.toContain('/secret');
});

describe('several sessions', () => {
  it('share one build: all get its output, and the build ends with the last of them', async () => {
    const held = Promise.withResolvers<void>();
    index.instead = (path) => (path.endsWith('.whl') ? held.promise : undefined);
    const of = images({ ...requirements('alpha==1.0'), bbbbbbb: [file('requirements.txt', 'alpha==1.0')] });
    const [first, second] = [new AbortController(), new AbortController()];
    const [early, late]: string[][] = [[], []];
    const one = provide(of, 'aaaaaaa', early, first.signal);
    await vi.waitFor(() => expect(index.requestedPaths.some((path) => path.endsWith('.whl'))).toBe(true), patience);
    const two = provide(of, 'bbbbbbb', late, second.signal);
    await vi.waitFor(() => expect(late).toEqual(early), patience);
    first.abort(new Error('the session is stopped'));
    await expect(one).rejects.toThrow('the session is stopped');
    expect(listMarked(`${marker}/`).size).toBe(1);
    second.abort(new Error('this one, too'));
    await expect(two).rejects.toThrow('this one, too');
    await vi.waitFor(() => expect(listMarked(`${marker}/`).size).toBe(0), patience);
    held.resolve();

    const [again, same] = await Promise.all([provide(of, 'aaaaaaa'), provide(of, 'bbbbbbb')]);
    expect(again.environment).toEqual(same.environment);
    const folders = readdirSync(join(cacheDir, 'environments')).filter((name) => !name.includes('.'));
    expect(folders).toHaveLength(1);
  });

  it('of two platforms also share one build', async () => {
    const held = Promise.withResolvers<void>();
    index.instead = (path) => (path.endsWith('.whl') ? held.promise : undefined);
    const lines: string[] = [];
    const one = provide(images(requirements('alpha==1.0')));
    await vi.waitFor(() => expect(index.requestedPaths.some((path) => path.endsWith('.whl'))).toBe(true), patience);
    const two = provide(images(requirements('alpha==1.0')), 'aaaaaaa', lines);
    await vi.waitFor(() => expect(lines.join()).toContain('Waiting for another platform'), patience);
    held.resolve();
    expect((await two).environment).toEqual((await one).environment);
  });
});

describe('unused environments', () => {
  const age = (days: number) => {
    const then = new Date(Date.now() - days * 24 * 3_600_000);
    const folder = join(cacheDir, 'environments');
    for (const name of readdirSync(folder)) if (name.endsWith('.json')) utimesSync(join(folder, name), then, then);
  };

  it('are removed after 30 days, with their files in uv’s cache, unless a process uses them', async () => {
    const of = images({ ...requirements('alpha'), bbbbbbb: [file('requirements.txt', 'beta')] });
    const [used, unused] = [await provide(of, 'aaaaaaa'), await provide(of, 'bbbbbbb')];
    age(29);
    await of.prune(forever);
    expect(existsSync(unused.environment.sitePackages[0] ?? '')).toBe(true);
    age(31);
    const sleep = execFileSync('sh', ['-c', 'sleep 60 >/dev/null 2>&1 & echo $!'], {
      env: { ...process.env, JUPYTER_PATH: `${used.environment.programs[0]}/../share/jupyter` },
      encoding: 'utf8',
    });
    try {
      await of.prune(forever);
      expect(existsSync(used.environment.sitePackages[0] ?? '')).toBe(true);
      expect(existsSync(unused.environment.sitePackages[0] ?? '')).toBe(false);
    } finally {
      process.kill(Number(sleep));
    }
    // A removed environment is built again for the next session that needs it.
    expect(layerOf(await provide(of, 'bbbbbbb'))).toEqual(['beta-1.5']);
  });

  it('are removed for a new one if the disk is full, the least recently used first', async () => {
    const of = images(
      { ...requirements('alpha'), bbbbbbb: [file('requirements.txt', 'beta')] },
      {
        free: async () => (old && existsSync(old) ? 0 : keptFreeBytes),
      },
    );
    let old = '';
    const first = await provide(of, 'aaaaaaa');
    age(1);
    old = first.environment.sitePackages[0] ?? '';
    expect(layerOf(await provide(of, 'bbbbbbb'))).toEqual(['beta-1.5']);
    expect(existsSync(old)).toBe(false);
  });
});

it('only references of this registry to commits of its projects are images of commits', async () => {
  const of = images(requirements('alpha'));
  for (const other of [
    'example.org/group/project:aaaaaaa',
    `${registry}/group/other:aaaaaaa`,
    reference('bbbbbbb'),
    reference('aaaaaaaa'),
    reference('latest'),
    `${registry}/group/project@sha256:${'a'.repeat(64)}`,
  ]) {
    expect(await of.find(other, forever)).toBeUndefined();
  }
});
