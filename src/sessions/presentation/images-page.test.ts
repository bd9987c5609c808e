import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const page = readFileSync(join(import.meta.dirname, '../../../docs/images.md'), 'utf8');
const sources = ['exit-codes.ts', 'failure.ts'].map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'));

describe('docs/images.md', () => {
  it('quotes the messages of sessions whose image lacks something exactly as they are written', () => {
    const [, section = ''] = page.split('### What an image must have');
    const [table = ''] = section.split('###');
    // A message begins with a capital letter; "..." in it stands for a part that differs.
    const quoted = [...table.matchAll(/"((?:The|A) .*?[.:])"(?=[ .]|$)/gm)].map(([, message = '']) => message);
    expect(quoted).toHaveLength(6);
    const parts = quoted
      .flatMap((message) => message.split(/ ?(?:\/sessions\/)?\.\.\. ?/))
      .filter((part) => part !== '');
    const written = sources.join('\n').replace(/\$\{jupyter\.port\}/, '8888');
    for (const part of parts) expect(written).toContain(part);
  });
});
