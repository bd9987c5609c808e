'use strict';
/*
 * Runs the tasks of package.json (`npm start`, `npm test`, ...). It must run on every Node.js from 12 on, so it uses old
 * syntax. It prepares the machine, or prints in one sentence what is missing:
 *
 *   1. checks the machine (system, git, Python),
 *   2. installs the packages of the lock file if they are missing (`npm ci`),
 *   3. runs the task with a Node.js that is recent enough: the machine's own, or the one from the lock file.
 */
var childProcess = require('child_process');
var fs = require('fs');
var os = require('os');
var path = require('path');

var root = path.join(__dirname, '..');
/** The first version that can ignore an Upgrade header (`shouldUpgradeCallback`). */
var needed = [24, 9];
var bin = path.join(root, 'node_modules', '.bin');

/** The commands of a task run one after the other; the task ends with the first that fails. */
var tasks = {
  start: { needs: ['linux', 'git', 'python'], run: [['node', 'src/local/main.ts']] },
  reset: { needs: ['linux'], run: [['node', 'src/local/main.ts', 'reset']] },
  service: { needs: [], run: [['node', 'src/main.ts']] },
  dev: { needs: [], run: [['node', 'scripts/dev.ts']] },
  types: { needs: [], run: [['tsc', '-p', '.']] },
  lint: {
    needs: [],
    run: [
      ['biome', 'check', '.'],
      ['oxlint', '--type-aware', 'src', 'tests', 'bench', 'scripts', 'helm-chart'],
      ['node', 'scripts/check-imports.ts'],
      ['node', 'scripts/check-docs.ts'],
      ['node', 'scripts/check-words.ts'],
      ['node', 'scripts/check-casts.ts'],
      ['node', 'scripts/check-test-map.ts'],
      ['node', 'scripts/check-shell.ts'],
      ['node', 'scripts/generate-types.ts', '--check'],
      ['node', 'scripts/generate-error-docs.ts', '--check'],
      ['node', 'scripts/generate-chart.ts', '--check'],
      ['tsc', '-p', '.'],
    ],
  },
  format: { needs: [], run: [['biome', 'check', '--write', '.']] },
  generate: {
    needs: [],
    run: [
      ['node', 'scripts/generate-types.ts'],
      ['node', 'scripts/generate-error-docs.ts'],
      ['node', 'scripts/generate-chart.ts'],
    ],
  },
  'test:unit': { needs: ['git'], run: [['vitest', 'run', '--project', 'unit']] },
  'test:component': { needs: ['git', 'python'], run: [['vitest', 'run', '--project', 'component']] },
  'test:integration': { needs: ['linux', 'git', 'python'], run: [['vitest', 'run', '--project', 'integration']] },
  'test:browser': { needs: ['linux', 'git', 'python'], run: [['vitest', 'run', '--project', 'browser']] },
  'test:cluster': { needs: [], run: [['vitest', 'run', '--project', 'cluster']] },
  'test:e2e': { needs: [], run: [['node', 'tests/e2e/main.ts']] },
  ci: { needs: ['linux', 'git', 'python'], run: [['node', 'scripts/ci/main.ts']] },
  'test:mutations': { needs: ['git'], run: [['node', 'tests/mutants/main.ts']] },
  // These run in the folder of the caller, because their arguments are paths.
  restore: { needs: [], here: true, run: [['node', path.join(root, 'helm-chart/backup/restore.ts')]] },
  'hand-over-to-amalthea': {
    needs: [],
    here: true,
    run: [['node', path.join(root, 'helm-chart/amalthea/hand-over.ts')]],
  },
  'migrate-values': { needs: [], here: true, run: [['node', path.join(root, 'helm-chart/migrate/main.ts')]] },
  screenshots: { needs: ['linux', 'git', 'python'], run: [['node', 'scripts/screenshots.ts']] },
  bench: { needs: ['linux', 'git', 'python'], run: [['node', 'bench/main.ts']] },
};
tasks.test = {
  needs: ['linux', 'git', 'python'],
  run: [].concat(
    tasks.lint.run,
    tasks['test:unit'].run,
    tasks['test:component'].run,
    tasks['test:integration'].run,
    tasks['test:browser'].run,
  ),
};

function fail(message, remedy) {
  process.stderr.write('\n' + message + '\n' + (remedy ? remedy + '\n' : '') + '\n');
  process.exit(1);
}

function works(command, args) {
  var result = childProcess.spawnSync(command, args, { stdio: 'ignore' });
  return !result.error && result.status === 0;
}

function checkMachine(needs) {
  if (process.platform === 'win32') {
    fail(
      'Notebook Sessions does not run directly on Windows.',
      'Run it inside WSL2 (https://learn.microsoft.com/windows/wsl/install).',
    );
  }
  if (needs.indexOf('linux') >= 0 && process.platform !== 'linux') {
    fail(
      'Sessions run on Linux only (this is ' +
        process.platform +
        '): their processes are found and stopped through /proc, and each has its own loopback address (127.x.y.z).',
      'Use a virtual machine with Linux, or deploy the service on Kubernetes.',
    );
  }
  if (needs.indexOf('git') >= 0 && !works('git', ['--version'])) {
    fail('git is missing. Sessions are clones of git projects.', 'Install git, for example: sudo apt-get install git');
  }
  if (needs.indexOf('python') >= 0 && !works('python3', ['--version'])) {
    fail(
      'Python 3 is missing. Sessions are Jupyter servers, which are Python programs.',
      'Install Python 3, for example: sudo apt-get install python3 python3-venv',
    );
  }
}

function modified(file) {
  try {
    return fs.statSync(file).mtimeMs;
  } catch (error) {
    if (error.code === 'ENOENT') return 0;
    throw error;
  }
}

/** npm writes node_modules/.package-lock.json at the end of an installation; if it is older than the lock file, packages are missing. */
function installPackages() {
  var lock = modified(path.join(root, 'package-lock.json'));
  if (modified(path.join(root, 'node_modules', '.package-lock.json')) >= lock) return;
  // Some tasks print their result on standard output.
  process.stderr.write('Installing packages (once; about 20 seconds) ...\n');
  var result = childProcess.spawnSync('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], {
    cwd: root,
    stdio: ['inherit', 2, 'inherit'],
  });
  if (result.error && result.error.code === 'ENOENT') {
    fail('npm is missing.', 'Install Node.js together with npm, for example from https://nodejs.org.');
  }
  if (result.status !== 0) {
    fail(
      'The packages could not be installed (npm ci failed, see above).',
      'The first start needs the network and about 400 MB of disk. Check both and run the same command again.',
    );
  }
}

function nodeToUse() {
  var version = process.versions.node.split('.').map(Number);
  if (version[0] > needed[0] || (version[0] === needed[0] && version[1] >= needed[1])) return process.execPath;
  var bundled = path.join(root, 'node_modules', 'node-' + process.platform + '-' + process.arch, 'bin', 'node');
  if (fs.existsSync(bundled)) return bundled;
  fail(
    'Node.js ' +
      needed.join('.') +
      ' or newer is needed; this is ' +
      process.version +
      ' on ' +
      process.platform +
      '/' +
      process.arch +
      '.',
    'On Linux (x64, arm64) the packages contain it; on other systems install it from https://nodejs.org.',
  );
}

function main() {
  var name = process.argv[2];
  var task = tasks[name];
  if (!task) fail('Unknown task: ' + name, 'Tasks: ' + Object.keys(tasks).join(', '));
  checkMachine(task.needs);
  installPackages();

  var node = nodeToUse();
  var env = Object.assign({}, process.env);
  env.PATH = [path.dirname(node), bin, env.PATH].join(path.delimiter);
  // A cache of compiled code halves the time of imports in later starts.
  var cache = env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache');
  env.NODE_COMPILE_CACHE = env.NODE_COMPILE_CACHE || path.join(cache, 'notebook-sessions', 'compile-cache');

  var queue = task.run.slice();
  var child;
  var times = [];
  ['SIGINT', 'SIGTERM', 'SIGHUP'].forEach((signal) => {
    // The child decides when to end; this process waits for it.
    process.on(signal, () => {
      if (child) child.kill(signal);
    });
  });
  (function next() {
    var command = queue.shift();
    if (!command) {
      if (task.run.length > 1 || /^test/.test(name))
        process.stdout.write('\nseconds of each step:\n' + times.join('\n') + '\n');
      return;
    }
    var started = Date.now();
    var args = command.slice(1);
    if (queue.length === 0) args = args.concat(process.argv.slice(3));
    var program = command[0] === 'node' ? node : path.join(bin, command[0]);
    child = childProcess.spawn(program, args, { cwd: task.here ? process.cwd() : root, env: env, stdio: 'inherit' });
    child.on('error', (error) => {
      fail('Cannot run ' + program + ': ' + error.message);
    });
    child.on('exit', (code, signal) => {
      if (code !== 0) process.exit(code === null ? 128 + (os.constants.signals[signal] || 0) : code);
      times.push('  ' + Math.round((Date.now() - started) / 1000) + '  ' + command.join(' '));
      next();
    });
  })();
}

main();
