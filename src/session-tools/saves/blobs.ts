import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { output } from './run.ts';
import type { Scratch } from './scratch.ts';

/** Content of ours for a new object: bytes (`latin1`), or a file of ours. */
export type Content = { readonly bytes: string } | { readonly file: string };

/** Stores contents as objects, and returns their ids. Throws GitFailure. */
export async function storeContents({ git, directory }: Scratch, contents: readonly Content[]): Promise<string[]> {
  if (contents.length === 0) return [];
  const files = await Promise.all(
    contents.map(async (content, number) => {
      if ('file' in content) return content.file;
      const file = join(directory, `content-${number}`);
      await writeFile(file, content.bytes, 'latin1');
      return file;
    }),
  );
  const args = ['hash-object', '-w', '--no-filters', '--stdin-paths'];
  const input = files.map((file) => `${quotedLine(file)}\n`).join('');
  return (await output(git, args, { input })).trimEnd().split('\n');
}

/** Returns the name as git reads names from lines. */
const quotedLine = (file: string): string =>
  /[\r\n"\\]/.test(file)
    ? `"${file.replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r')}"`
    : file;
