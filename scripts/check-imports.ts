/**
 * Holds the direction of imports (ARCHITECTURE.md): every area of src says what it may import, and anything else is an
 * error with file and line. An area is a folder or a file directly under src, or a folder that has rules of its own.
 * No two files import each other, by whatever way round; an import of types only counts. Tests may import what they like.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

const root = join(import.meta.dirname, '..');
const source = join(root, 'src');

const shared = ['lib', 'jupyter-server', 'session-contract'];
const nouns = ['sessions', 'access-tokens', 'logs', 'images', 'autosaves', 'options', 'health', 'pages'];
const service = [
  ...shared,
  'platform',
  'errors',
  'error-translation',
  'config',
  'identity',
  'request-context',
  'generated',
];

/** area -> areas that it may import besides itself. */
const allowed: Record<string, string[]> = {
  main: ['service', 'config', 'platform'],
  service: [...service, ...nouns, 'app', 'pipeline'],
  app: [...service, 'pipeline'],
  pipeline: service,
  ...Object.fromEntries(nouns.map((noun) => [noun, service])),
  identity: [...shared, 'errors', 'config', 'platform'],
  config: ['options', 'platform', 'jupyter-server', 'session-contract', 'lib'],
  errors: [],
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

/** Files that every noun may import: the outside of other nouns, and the helper for its own routes. */
const publicParts = ['images/types', 'autosaves/types', 'options/resource-classes', 'pipeline/route'];
/** area -> files that it may import although it may import nothing else of their area. */
const allowedFiles: Record<string, string[]> = {
  ...Object.fromEntries(nouns.map((noun) => [noun, publicParts])),
  'jupyter-server': ['platform/kubernetes/objects', 'platform/kubernetes/types'],
};

/**
 * Folder of `sessions` -> what it may import of `sessions` besides itself. The writer of manifests and the presentation
 * work with the session and the contract, and know neither each other nor the launch.
 */
const allowedInSessions: Record<string, string[]> = {
  manifest: [],
  presentation: [],
  read: ['kubernetes-trouble'],
  launch: ['kubernetes-trouble', 'manifest', 'presentation', 'read'],
  change: ['kubernetes-trouble', 'launch/session-secrets', 'presentation', 'read'],
};

/** Returns the error of an import between folders of `sessions`; undefined if it is allowed. */
function errorInSessions(file: string, imported: string): string | undefined {
  const sessions = join(source, 'sessions');
  const [from, to] = [file, imported].map((each) => relative(sessions, each).replace(/\.ts$/, ''));
  const folder = from?.split('/')[0] ?? '';
  const may = allowedInSessions[folder];
  if (!may || !to || [folder, ...may].some((each) => to === each || to.startsWith(`${each}/`))) return undefined;
  return `sessions/${folder} may not import sessions/${to}`;
}

function areaOf(file: string): string {
  return (relative(source, file).split('/')[0] ?? '').replace(/\.ts$/, '');
}

const problems: string[] = [];
/** file -> the files of src that it imports */
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
      problems.push(`${relative(root, file)}:${index + 1}: imports ${relative(root, imported)}, which is not in src`);
      return;
    }
    imports.set(file, [...(imports.get(file) ?? []), imported]);
    const to = areaOf(imported);
    if (to === area) {
      const error = area === 'sessions' ? errorInSessions(file, imported) : undefined;
      if (error) problems.push(`${relative(root, file)}:${index + 1}: ${error}`);
      return;
    }
    if (allowed[area]?.includes(to)) return;
    if (allowedFiles[area]?.includes(relative(source, imported).replace(/\.ts$/, ''))) return;
    problems.push(`${relative(root, file)}:${index + 1}: ${area} may not import ${to} (${target})`);
  });
}

const finished = new Set<string>();
/** `path`: the files from the first one to the one that imports `file`. */
function findCircles(file: string, path: string[]): void {
  const start = path.indexOf(file);
  if (start >= 0) {
    const circle = [...path.slice(start), file].map((each) => relative(root, each));
    problems.push(`a circle of imports: ${circle.join(' -> ')}`);
    return;
  }
  if (finished.has(file)) return;
  for (const next of imports.get(file) ?? []) findCircles(next, [...path, file]);
  finished.add(file);
}
if (process.argv.includes('--circles')) for (const file of imports.keys()) findCircles(file, []);

if (problems.length > 0) {
  process.stderr.write(`${problems.join('\n')}\n${problems.length} imports against the rules in ARCHITECTURE.md\n`);
  process.exit(1);
}
process.stdout.write('imports point one way, and in no circle\n');
