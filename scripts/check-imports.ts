/**
 * Checks the direction of imports (ARCHITECTURE.md, "Folders and imports"). The tables below list what each area of src may import; an
 * area is a folder or a file directly in src. Circles of imports, including imports of types only, are errors, too. Tests
 * may import every file.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

const root = join(import.meta.dirname, '..');
const source = join(root, 'src');

const shared = ['lib', 'jupyter-server', 'session-contract'];
const nouns = [
  'sessions',
  'events',
  'access-tokens',
  'logs',
  'images',
  'autosaves',
  'options',
  'health',
  'pages',
  'work',
  'kernels',
  'snapshots',
  'sync-folders',
];
const service = [
  ...shared,
  'platform',
  'errors',
  'error-translation',
  'caller-limit',
  'own-agents',
  'config',
  'identity',
  'request-context',
  'generated',
];

/** The areas that an area may import besides itself. */
const allowed: Record<string, string[]> = {
  main: ['service', 'config', 'platform'],
  service: [...service, ...nouns, 'app', 'pipeline'],
  app: [...service, 'pipeline'],
  pipeline: service,
  ...Object.fromEntries(nouns.map((noun) => [noun, service])),
  identity: [...shared, 'errors', 'config', 'platform'],
  config: ['options', 'platform', 'jupyter-server', 'session-contract', 'lib'],
  errors: [],
  'caller-limit': ['errors', 'identity', 'lib'],
  'own-agents': [...shared, 'errors', 'error-translation', 'config', 'identity', 'platform'],
  'error-translation': ['errors', 'platform', 'lib'],
  generated: [],
  'request-context': ['lib', 'identity'],
  'jupyter-server': ['lib', 'session-contract'],
  'session-contract': ['lib'],
  lib: [],
  platform: ['lib'],
  operator: [...shared, 'platform'],
  'session-tools': ['session-contract', 'lib'],
  local: [...shared, 'platform', 'session-tools'],
};

/** Files that every noun may import: the public parts of other nouns, and the helpers for their routes. */
const publicParts = [
  'images/types',
  'autosaves/types',
  'options/resource-classes',
  'pipeline/route',
  'pipeline/event-stream',
  'pipeline/operation-stream',
  'work/present',
];
/** Files that an area may import although it may not import their area. */
const allowedFiles: Record<string, string[]> = {
  ...Object.fromEntries(nouns.map((noun) => [noun, publicParts])),
  'jupyter-server': ['platform/kubernetes/objects', 'platform/kubernetes/types'],
  // Types only: the images of the session tools have no generated files.
  'session-tools': ['generated/agent-api'],
  platform: ['generated/agent-api', 'session-contract/agent', 'session-contract/agent-token'],
  operator: ['generated/agent-api'],
};

/** The parts of `sessions` that a folder of it may import besides itself. `manifest` and `presentation` import neither. */
const allowedInSessions: Record<string, string[]> = {
  manifest: [],
  presentation: [],
  read: [],
  launch: ['manifest', 'presentation', 'read'],
  change: ['launch/session-secrets', 'launch/resume', 'launch/fresh-tokens', 'manifest', 'presentation', 'read'],
};

/** Returns the error of an import between folders of `sessions`; undefined if it is allowed. */
function errorInSessions(file: string, imported: string): string | undefined {
  const sessions = join(source, 'sessions');
  const [from, to] = [file, imported].map((each) => relative(sessions, each).replace(/\.ts$/, ''));
  const folder = from?.split('/')[0] ?? '';
  const mayImport = allowedInSessions[folder];
  if (!mayImport || !to || [folder, ...mayImport].some((each) => to === each || to.startsWith(`${each}/`)))
    return undefined;
  return `sessions/${folder} may not import sessions/${to}`;
}

function areaOf(file: string): string {
  return (relative(source, file).split('/')[0] ?? '').replace(/\.ts$/, '');
}

const errors: string[] = [];
/** The files of src that each file imports. */
const imports = new Map<string, string[]>();
for (const entry of readdirSync(source, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !entry.name.endsWith('.ts') || entry.name.endsWith('.test.ts')) continue;
  const file = join(entry.parentPath, entry.name);
  const area = areaOf(file);
  const lines = readFileSync(file, 'utf8').split('\n');
  lines.forEach((line, index) => {
    const target = /(?:from|import)\s*\(?\s*'(\.[^']+)'/.exec(line)?.[1];
    if (!target) return;
    const imported = normalize(join(dirname(file), target));
    if (relative(root, imported) === 'package.json') return;
    if (relative(source, imported).startsWith('..')) {
      errors.push(`${relative(root, file)}:${index + 1}: imports ${relative(root, imported)}, which is not in src`);
      return;
    }
    imports.set(file, [...(imports.get(file) ?? []), imported]);
    const to = areaOf(imported);
    if (to === area) {
      const error = area === 'sessions' ? errorInSessions(file, imported) : undefined;
      if (error) errors.push(`${relative(root, file)}:${index + 1}: ${error}`);
      return;
    }
    if (allowed[area]?.includes(to)) return;
    if (allowedFiles[area]?.includes(relative(source, imported).replace(/\.ts$/, ''))) return;
    errors.push(`${relative(root, file)}:${index + 1}: ${area} may not import ${to} (${target})`);
  });
}

const finished = new Set<string>();
/** `path` has the files from the start of the search to the one that imports `file`. */
function findCircles(file: string, path: string[]): void {
  const start = path.indexOf(file);
  if (start >= 0) {
    const circle = [...path.slice(start), file].map((each) => relative(root, each));
    errors.push(`circle of imports: ${circle.join(' -> ')}`);
    return;
  }
  if (finished.has(file)) return;
  for (const next of imports.get(file) ?? []) findCircles(next, [...path, file]);
  finished.add(file);
}
for (const file of imports.keys()) findCircles(file, []);

if (errors.length > 0) {
  process.stderr.write(`${errors.join('\n')}\n${errors.length} imports break the rules in ARCHITECTURE.md\n`);
  process.exit(1);
}
process.stdout.write('all imports follow the rules, and there is no circle\n');
