import { HoconError } from './problem.ts';
import type { Scanner } from './scanner.ts';

/** `a.b`, `"a.b".c`, `a b`: words and quoted texts between dots. */
export function readPath(scan: Scanner, what: string): string[] {
  const names: string[] = [];
  let [name, space]: [string | undefined, string] = [undefined, ''];
  const end = (): void => {
    if (name === undefined) throw new HoconError(scan.line(), `${what} is missing, or a part of it next to a dot`);
    if (['__proto__', 'constructor', 'prototype'].includes(name)) {
      scan.fail(`${what} is __proto__, constructor or prototype`);
    }
    names.push(name);
  };
  for (;;) {
    if (scan.next === '.') {
      if (space !== '') scan.fail('a blank stands beside the dot of a key');
      end();
      scan.at += 1;
      if (/\s/.test(scan.next)) scan.fail('a blank stands beside the dot of a key');
      [name, space] = [undefined, ''];
      continue;
    }
    const isWord = !(space !== '' && scan.isComment());
    const piece = scan.next === '"' ? scan.quoted() : isWord ? scan.word(false) || undefined : undefined;
    if (piece === undefined) break;
    name = (name ?? '') + space + piece;
    space = scan.spaces();
  }
  end();
  return names;
}
