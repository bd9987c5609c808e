import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isObject } from '../src/lib/json.ts';

const schema: unknown = JSON.parse(
  readFileSync(join(import.meta.dirname, 'notebook-sessions/values.schema.json'), 'utf8'),
);

interface Value {
  readonly path: string;
  readonly name: string;
  readonly description: unknown;
  readonly isGroup: boolean;
}

/** Yields the values of the schema, without the configuration of the service, which .config.hocon.example explains. */
function* valuesOf(group: unknown, path = ''): Generator<Value> {
  const properties = isObject(group) && isObject(group['properties']) ? group['properties'] : {};
  for (const [name, inner] of Object.entries(properties)) {
    const full = path === '' ? name : `${path}.${name}`;
    if (!isObject(inner)) throw new Error(`${full} has no schema`);
    const isGroup = isObject(inner['properties']) && full !== 'config' && full !== 'global';
    yield { path: full, name, description: inner['description'], isGroup };
    if (isGroup) yield* valuesOf(inner, full);
  }
}

describe('the values of the chart', () => {
  const all = [...valuesOf(schema)];

  /** Terms of Kubernetes and of Helm charts, which mean the same everywhere. */
  const terms = new Set([
    ...['affinity', 'annotations', 'labels', 'nodeSelector', 'podAnnotations', 'podLabels', 'priorityClassName'],
    ...['resources', 'tolerations', 'replicaCount', 'minReplicas', 'maxReplicas', 'targetCPUUtilizationPercentage'],
    ...['create', 'enabled', 'hostnames', 'repository'],
  ]);

  it('are all documented: by a comment on the value, on its group, or on the same value of another group', () => {
    expect(all.length).toBeGreaterThan(100);
    const described = all.filter(({ description }) => description !== undefined);
    const names = new Set(described.map(({ name }) => name));
    const paths = new Set(described.map(({ path }) => path));
    const unexplained = all.filter(
      ({ path, name, isGroup }) =>
        !isGroup &&
        !names.has(name) &&
        !terms.has(name) &&
        !paths.has(path.slice(0, Math.max(0, path.lastIndexOf('.')))),
    );
    expect(unexplained.map(({ path }) => path)).toEqual([]);
  });
});
