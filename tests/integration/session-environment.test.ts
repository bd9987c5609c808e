import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { changedFiles } from '../../src/local/python/environment-files.ts';
import type { PythonEnvironment } from '../../src/local/python/types.ts';
import { resource } from '../../src/platform/kubernetes/resources.ts';
import { defaultEnvironment, Jupyter } from '../support/jupyter.ts';
import { TestMachine, waiting } from '../support/local/kubelet/machine.ts';
import { createRest, createSession, namespace, statefulSet } from '../support/local/kubelet/templates.ts';
import { makeWheel } from '../support/wheels.ts';

/** The environment of a session, a layer over that of its image: what is installed into it, and its isolation. */

const image = 'registry/jupyter:1';

let environment: PythonEnvironment;
let scratch: string;
let wheels: string;
beforeAll(async () => {
  environment = await defaultEnvironment();
  scratch = mkdtempSync(join(tmpdir(), 'notebook-sessions-overlay-'));
  wheels = join(scratch, 'wheels');
  // An old traitlets that breaks Jupyter: it lacks a name that all packages import.
  makeWheel(wheels, { name: 'traitlets', version: '4.0', files: { 'traitlets/__init__.py': '' } });
  for (const name of ['one', 'two', 'three', 'four']) {
    makeWheel(wheels, { name: `wheel_${name}`, files: { [`wheel_${name}.py`]: '' } });
  }
  makeWheel(wheels, {
    name: 'greeter',
    files: {
      'greeter.py': 'import sys\ndef main():\n    print("hello from", sys.prefix)\n',
      'greeter-1.0.data/data/share/jupyter/kernels/greeter/kernel.json': JSON.stringify({
        argv: ['python', '-m', 'ipykernel_launcher', '-f', '{connection_file}'],
        display_name: 'Greeter',
        language: 'python',
      }),
      'greeter-1.0.data/data/share/jupyter/labextensions/greeter/package.json': JSON.stringify({
        name: 'greeter',
        version: '1.0.0',
        jupyterlab: { _build: { load: 'static/remoteEntry.js', extension: './extension' } },
      }),
    },
    programs: { greet: 'greeter:main' },
  });
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let machine: TestMachine;
const home = process.env['HOME'];
beforeEach(async () => {
  process.env['HOME'] = mkdtempSync(join(scratch, 'home-'));
  machine = new TestMachine({ images: new Map([[image, environment]]) });
  await machine.kubelet.start();
});
afterEach(async () => {
  await machine.close();
  process.env['HOME'] = home;
});

async function start(name: string): Promise<Jupyter> {
  createSession(machine.cluster, { name, image });
  await machine.ready(name);
  return Jupyter.of(machine, name);
}
const volume = (name: string, ...parts: string[]) => join(machine.stateDir, 'volumes', namespace, name, ...parts);
const install = (...names: string[]) => `install --quiet --no-index --find-links ${wheels} ${names.join(' ')}`;
const imageFiles = () => changedFiles(environment.base, join(environment.python, '../..'), AbortSignal.timeout(60_000));

/** Stops the session's pod and starts it again, on the same volume. */
async function restart(name: string): Promise<Jupyter> {
  machine.cluster.mergePatch(resource.statefulSets, namespace, name, { spec: { replicas: 0 } });
  await vi.waitFor(() => expect(machine.pod(name)).toBeUndefined(), waiting);
  machine.cluster.mergePatch(resource.statefulSets, namespace, name, { spec: { replicas: 1 } });
  await machine.ready(name);
  return Jupyter.of(machine, name);
}

describe('packages that are installed in a session', () => {
  it('are installed into its own environment, by %pip, !pip, pip in a terminal and uv, and into no other session', async () => {
    const [a, b] = await Promise.all([start('a'), start('b')]);
    const kernel = await a.startKernel();
    await a.execute(kernel, `%pip ${install('wheel_one')}`);
    await a.execute(kernel, `!pip ${install('wheel_two')}`);
    await a.inTerminal(`pip ${install('wheel_three')}`);
    await a.execute(kernel, '!pip install --quiet uv');
    await a.execute(kernel, `!uv pip ${install('wheel_four')}`);
    const names = ['wheel_one', 'wheel_two', 'wheel_three', 'wheel_four'];
    const locate = `import importlib.util as u; print([u.find_spec(n) and u.find_spec(n).origin for n in ${JSON.stringify(names)}])`;
    const packages = readdirSync(volume('a', '.environment/lib'))[0] as string;
    const place = (name: string) => volume('a', '.environment/lib', packages, 'site-packages', `${name}.py`);
    expect(await a.execute(kernel, locate)).toBe(`[${names.map((name) => `'${place(name)}'`).join(', ')}]\n`);
    expect(await b.execute(await b.startKernel(), locate)).toBe('[None, None, None, None]\n');
    // The packages are not part of the project, and exist after a restart of the session.
    expect(readdirSync(volume('a', 'group/project'))).toEqual(['clones']);
    const again = await restart('a');
    expect(await again.execute(await again.startKernel(), 'import wheel_one; print(wheel_one.__file__)')).toBe(
      `${place('wheel_one')}\n`,
    );
    expect(await imageFiles()).toBeUndefined();
  });

  it('can contain programs, kernels and extensions of the user interface', async () => {
    const jupyter = await start('a');
    const kernel = await jupyter.startKernel();
    await jupyter.execute(kernel, `%pip ${install('greeter')}`);
    const own = volume('a', '.environment');
    expect(await jupyter.execute(kernel, '!greet')).toBe(`hello from ${own}\r\n`);
    expect(await jupyter.inTerminal('greet')).toBe(`hello from ${own}\n`);
    // `python` in the command of the kernel is that of the session, not that of the server.
    const greeter = await jupyter.post<{ id: string }>('/api/kernels', { name: 'greeter' });
    expect(await jupyter.execute(greeter.id, 'import greeter; greeter.main()')).toBe(`hello from ${own}\n`);
    const extension = await jupyter.fetch('/lab/extensions/greeter/package.json');
    expect(await extension.json()).toMatchObject({ name: 'greeter' });
  });

  it('that break a kernel cause a warning in the notebook, where they can be removed, and break nothing else', async () => {
    const [a, b] = await Promise.all([start('a'), start('b')]);
    await a.execute(await a.startKernel(), `%pip ${install('"traitlets<5"', 'wheel_one')}`);
    const broken = await a.startKernel();
    const printed = await a.execute(broken, 'import traitlets; print(traitlets.__version__)');
    expect(printed).toMatch(/break its kernel \((ImportError|AttributeError|ModuleNotFoundError): .*traitlets/);
    expect(printed).toContain('%pip uninstall');
    // The whole warning comes before the output of the cell.
    expect(printed).toMatch(/restart the kernel\.\n5\.[\d.]+\n$/);
    expect(await machine.log('a')).toContain('break its kernel');
    expect(await b.execute(await b.startKernel(), 'print(1 + 1)')).toBe('2\n');
    await start('c');

    await a.execute(broken, '%pip uninstall --quiet --yes traitlets');
    expect(await a.execute(await a.startKernel(), 'import wheel_one; print("mended")')).toBe('mended\n');
  });

  it('that break a kernel are moved to another folder when the session starts again, with a line in its log', async () => {
    const jupyter = await start('a');
    await jupyter.execute(await jupyter.startKernel(), `%pip ${install('"traitlets<5"', 'wheel_one')}`);
    const again = await restart('a');
    const locate = 'import importlib.util; print(importlib.util.find_spec("wheel_one"))';
    expect(await again.execute(await again.startKernel(), locate)).toBe('None\n');
    expect(await machine.log('a')).toMatch(
      /packages that were installed in this session broke its kernels: .*traitlets/,
    );
    expect(existsSync(volume('a', '.environment.aside/lib'))).toBe(true);
  });

  it('are all moved to another folder by a command', async () => {
    const jupyter = await start('a');
    const kernel = await jupyter.startKernel();
    await jupyter.execute(kernel, `%pip ${install('greeter')}`);
    expect(await jupyter.execute(kernel, '!reset-packages')).toContain(volume('a', '.environment.aside'));
    expect(await jupyter.inTerminal('greet || echo none; which python')).toMatch(
      new RegExp(`none\\n${volume('a', '.environment/bin/python')}\\n$`),
    );
    await expect(jupyter.execute(await jupyter.startKernel(), 'import greeter')).rejects.toThrow('greeter');
  });

  it('can be newer versions of Jupyter’s own kernel, and of pip', async () => {
    const jupyter = await start('a');
    await jupyter.inTerminal('pip install --quiet --upgrade ipykernel pip');
    const kernel = await jupyter.startKernel();
    const own = volume('a', '.environment');
    const printed = await jupyter.execute(kernel, 'import ipykernel, sys; print(ipykernel.__file__, sys.prefix)');
    expect(printed).toMatch(new RegExp(`^${own}/lib/.* ${own}\\n$`));
    expect(await jupyter.inTerminal('pip --version')).toContain(`from ${own}/lib`);
    expect(await imageFiles()).toBeUndefined();
  });
});

describe('the environment of an image', () => {
  it('is not changed by pip uninstall in a session', async () => {
    const jupyter = await start('a');
    const kernel = await jupyter.startKernel();
    expect(await jupyter.execute(kernel, '!pip uninstall --yes jupyterlab')).toContain('outside environment');
    expect(await jupyter.execute(kernel, '%pip uninstall --yes ipykernel')).toContain('outside environment');
    expect(await jupyter.inTerminal('python -m pip uninstall --yes jupyter_server')).toContain('outside environment');
    expect(await imageFiles()).toBeUndefined();
    await restart('a');
  });

  it('is used with its .pth files and its programs, the first of several layers first', async () => {
    const layer = join(scratch, 'layer');
    const packages = join(layer, 'lib/site-packages');
    mkdirSync(join(packages, 'below'), { recursive: true });
    mkdirSync(join(layer, 'bin'));
    writeFileSync(join(packages, 'below.pth'), `${join(packages, 'below')}\n`);
    writeFileSync(join(packages, 'below/from_pth.py'), '');
    writeFileSync(join(packages, 'fqdn.py'), 'layered = True\n');
    const script = `#!${environment.python}\nimport fqdn, sys\nprint(fqdn.layered, sys.prefix)\n`;
    writeFileSync(join(layer, 'bin/layered'), script, { mode: 0o755 });
    const layered = {
      ...environment,
      sitePackages: [packages, ...environment.sitePackages],
      programs: [join(layer, 'bin'), ...environment.programs],
    };
    await machine.close();
    machine = new TestMachine({ images: new Map([[image, layered]]) });
    await machine.kubelet.start();
    const jupyter = await start('a');
    const kernel = await jupyter.startKernel();
    expect(await jupyter.execute(kernel, 'import from_pth, fqdn; print(fqdn.layered)')).toBe('True\n');
    // The layer is not a virtual environment: its scripts are used if they name the image's Python.
    expect(await jupyter.inTerminal('layered; jupyter --version | head -1')).toMatch(
      `True ${volume('a', '.environment')}\nSelected Jupyter core packages`,
    );
  });

  it('is the only one that the server uses, also with PYTHONPATH', async () => {
    const modules = join(scratch, 'modules');
    mkdirSync(modules);
    const evil = join(scratch, 'evil');
    writeFileSync(join(modules, 'jupyter_lsp.py'), `open(${JSON.stringify(evil)}, "w")\n`);
    writeFileSync(join(modules, 'mine.py'), '');
    const variables = [{ name: 'PYTHONPATH', value: modules }];
    machine.cluster.create(resource.statefulSets, namespace, statefulSet({ name: 'a', image, variables }));
    createRest(machine.cluster, { name: 'a' });
    await machine.ready('a');
    const jupyter = Jupyter.of(machine, 'a');
    expect(await jupyter.execute(await jupyter.startKernel(), 'import mine; print(mine.__file__)')).toBe(
      `${join(modules, 'mine.py')}\n`,
    );
    expect(existsSync(evil)).toBe(false);
  });
});

describe('a terminal', () => {
  const shells = ['bash', 'sh', 'dash', 'zsh', 'fish'].flatMap((name) => {
    try {
      return [execFileSync('which', [name], { encoding: 'utf8' }).trim()];
    } catch {
      return [];
    }
  });
  const shell = process.env['SHELL'];
  afterEach(() => {
    if (shell === undefined) delete process.env['SHELL'];
    else process.env['SHELL'] = shell;
  });

  it.each(shells)(
    'of %s has the programs of the session first, after start-up files that set PATH anew',
    async (path) => {
      process.env['SHELL'] = path;
      const startUp = 'PATH=/usr/local/bin:/usr/bin:/bin\nexport PATH\nMINE=read\nexport MINE\n';
      for (const name of ['.bashrc', '.profile', '.zshrc', '.zprofile']) {
        writeFileSync(join(process.env['HOME'] ?? '', name), startUp);
      }
      mkdirSync(join(process.env['HOME'] ?? '', '.config/fish'), { recursive: true });
      writeFileSync(
        join(process.env['HOME'] ?? '', '.config/fish/config.fish'),
        'set -gx PATH /usr/local/bin /usr/bin /bin\nset -gx MINE read\n',
      );
      const jupyter = await start('a');
      const bin = volume('a', '.environment/bin');
      const printed = await jupyter.inTerminal(
        'which python python3 pip jupyter ipython; echo $MINE; python -c "import ipykernel as k; print(k.__version__)"',
      );
      expect(printed.split('\n').slice(0, 6)).toEqual([
        ...['python', 'python3', 'pip', 'jupyter', 'ipython'].map((name) => join(bin, name)),
        'read',
      ]);
      expect(printed).toContain(environment.versions.ipykernel);
    },
  );

  it('creates virtual environments of the user, which are separate from that of the session', async () => {
    const jupyter = await start('a');
    const printed = await jupyter.inTerminal(
      'python -m venv --without-pip mine && mine/bin/python -c "import sys; print(sys.prefix)"; mine/bin/python -c "import ipykernel"; rm -r mine',
    );
    expect(printed).toContain(volume('a', 'group/project/mine\n'));
    expect(printed).toContain("No module named 'ipykernel'");
  });
});

describe('packages of the user', () => {
  it('in ~/.local are not part of a session', async () => {
    const version = environment.versions.python.split('.').slice(0, 2).join('.');
    const own = join(process.env['HOME'] ?? '', `.local/lib/python${version}/site-packages`);
    mkdirSync(own, { recursive: true });
    writeFileSync(join(own, 'leaked.py'), '');
    writeFileSync(join(own, 'jupyter_lsp.py'), 'raise ImportError\n');
    mkdirSync(join(process.env['HOME'] ?? '', '.config/pip'), { recursive: true });
    writeFileSync(join(process.env['HOME'] ?? '', '.config/pip/pip.conf'), '[global]\nuser = true\n');
    const jupyter = await start('a');
    const kernel = await jupyter.startKernel();
    await expect(jupyter.execute(kernel, 'import leaked')).rejects.toThrow('leaked');
    await jupyter.execute(kernel, `%pip ${install('wheel_one')}`);
    expect(readFileSync(join(own, 'leaked.py'), 'utf8')).toBe('');
    expect(readdirSync(own).toSorted()).toEqual(['jupyter_lsp.py', 'leaked.py']);
  });
});
