import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readEntries } from './entries.ts';

async function read(text: string, sizes: readonly number[] = [], maxBytes = 1_000_000): Promise<object[]> {
  const bytes = Buffer.from(text);
  async function* chunks(): AsyncIterable<Buffer> {
    for (let start = 0, index = 0; start < bytes.length; index++) {
      const size = sizes[index % sizes.length] ?? bytes.length;
      yield bytes.subarray(start, start + size);
      start += size;
    }
  }
  const found: object[] = [];
  for await (const entries of readEntries(chunks(), maxBytes)) found.push(...entries);
  return found;
}

it('returns the entries of each listing, in chunks of any size', async () => {
  const entry = fc.record({
    Path: fc.string({ unit: 'binary' }),
    Size: fc.integer(),
    Hashes: fc.record({ md5: fc.string() }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(entry, { maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }),
      fc.constantFrom(undefined, '\t'),
      async (list, sizes, indent) => {
        const text = JSON.stringify({ list }, null, indent);
        expect(await read(text, sizes)).toEqual(JSON.parse(text).list);
      },
    ),
  );
});

it('fails for a listing that ends early or is too long', async () => {
  const text = JSON.stringify({ list: [{ Path: 'a' }, { Path: 'b' }] });
  for (let length = 0; length < text.length; length++)
    await expect(read(text.slice(0, length)), text.slice(0, length)).rejects.toThrow(/not complete/);
  await expect(read(text, [], 10)).rejects.toThrow(/longer than 10 bytes/);
  await expect(read(`{"list":[{"Path":"${'x'.repeat(100_000)}"}]}`, [1_000])).rejects.toThrow(/too long/);
});
