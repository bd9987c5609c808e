/**
 * Holds the direction of imports (ARCHITECTURE.md): every folder says what it may import, and anything else is an
 * error with file and line. Tests may import what they like.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

const root = join(import.meta.dirname, '..');
const source = join(root, 'src');

const shared = ['lib', 'deadline', 'digest', 'jupyter-server', 'session-contract'];
const nouns = ['sessions', 'access-tokens', 'logs', 'images', 'autosaves', 'options', 'health', 'pages'];
const service = [
  ...shared,
  'platform',
  'errors',
  'gitlab-errors',
  'config',
  'identity',
  'request-context',
  'generated',
];

/** area -> areas it may import besides itself. An area is a folder or a file directly under src/. */
const allowed: Record<string, string[]> = {
  main: ['service', 'config', 'platform'],
  service: [...service, ...nouns, 'app', 'pipeline'],
  app: [...service, 'pipeline'],
  pipeline: service,
  ...Object.fromEntries(nouns.map((noun) => [noun, service])),
  identity: [...shared, 'errors', 'config', 'platform'],
  config: ['options', 'platform'],
  errors: [],
  'gitlab-errors': ['errors', 'platform'],
  deadline: [],
  digest: [],
  generated: [],
  'request-context': ['deadline', 'identity'],
  'jupyter-server': [],
  'session-contract': [],
  lib: [],
  platform: ['lib', 'deadline', 'jupyter-server'],
  operator: [...shared, 'platform'],
  'session-tools': ['session-contract'],
  local: [...shared, 'platform', 'session-tools'],
};

/** A noun may use another noun's types and its resource choice, which are its outside; never anything else of it. */
const doors = new Set(['images/types', 'autosaves/types', 'options/resource-classes']);

function areaOf(file: string): string {
  return (relative(source, file).split('/')[0] ?? '').replace(/\.ts$/, '');
}

const problems: string[] = [];
for (const entry of readdirSync(source, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !entry.name.endsWith('.ts') || entry.name.endsWith('.test.ts')) continue;
  const file = join(entry.parentPath, entry.name);
  if (file.includes('/testing/')) continue;
  const area = areaOf(file);
  const lines = readFileSync(file, 'utf8').split('\n');
  lines.forEach((line, index) => {
    const target = /(?:from|import)\s*\(?\s*'(\.[^']+)'/.exec(line)?.[1];
    if (!target) return;
    const imported = normalize(join(dirname(file), target));
    const to = areaOf(imported);
    if (relative(source, imported).startsWith('..') || to === area) return;
    if (doors.has(relative(source, imported).replace(/\.ts$/, '')) && nouns.includes(area)) return;
    if (allowed[area]?.includes(to)) return;
    problems.push(`${relative(root, file)}:${index + 1}: ${area} may not import ${to} (${target})`);
  });
}

if (problems.length > 0) {
  process.stderr.write(`${problems.join('\n')}\n${problems.length} imports against the direction in ARCHITECTURE.md\n`);
  process.exit(1);
}
process.stdout.write('imports point one way\n');
