import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findSessionContainer, sessionContainers } from './containers.ts';

const source = join(import.meta.dirname, '..');
const registry = join(import.meta.dirname, 'containers.ts');

/** The source files, including the programs of a session's pod and the scripts of the pages. */
function productionFiles(): string[] {
  return readdirSync(source, { recursive: true, encoding: 'utf8' })
    .map((name) => join(source, name))
    .filter((file) => /\.(ts|js)$/.test(file) && !file.endsWith('.test.ts') && file !== registry);
}

describe('the registry of session containers', () => {
  it('finds a container by its name', () => {
    for (const container of sessionContainers) expect(findSessionContainer(container.name)).toBe(container);
    expect(findSessionContainer('toString')).toBeUndefined();
  });

  it.each(['name', 'step'] as const)('is the only place in the source with the %s of a container', (field) => {
    const texts = sessionContainers.map((container) => container[field]);
    const literal = new RegExp(`(['"])(?:${texts.join('|')})\\1`);
    const copies = productionFiles().flatMap((file) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .flatMap((line, index) =>
          literal.test(line) ? [`${relative(source, file)}:${index + 1}: ${line.trim()}`] : [],
        ),
    );
    expect(copies).toEqual([]);
  });
});
