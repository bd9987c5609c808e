// biome-ignore-all lint/suspicious/noTemplateCurlyInString: substitutions have this form
import { describe, expect, it } from 'vitest';
import { parseHocon } from './hocon.ts';

const env = { HOME: '/home/jovyan', PORT: '9', EMPTY: '', port: 'from the environment' };
const s = '$';

/** Valid texts, each with its value. */
const right: [what: string, text: string, tree: unknown][] = [
  // the superset of JSON
  ['JSON', '{"a": [1, 2.5, true, null, "x"], "b": {"c": "d"}}', { a: [1, 2.5, true, null, 'x'], b: { c: 'd' } }],
  ['an empty text', '', {}],
  ['only comments', '# one\n// two\n', {}],
  ['keys without braces around them', 'a = 1', { a: 1 }],
  ['keys in braces', ' { a = 1 }\n# end', { a: 1 }],
  ['a list at the top level', '[1, {a = 2}]', [1, { a: 2 }]],
  ['= and :', 'a = 1\nb : 2', { a: 1, b: 2 }],
  ['a group without =', 'a { b = 1 }', { a: { b: 1 } }],
  ['an empty group', 'a {}', { a: {} }],
  ['an empty list', 'a = []', { a: [] }],
  ['a brace on the next line', 'a\n{\n b = 1 }\nc =\n{ d = 2 }', { a: { b: 1 }, c: { d: 2 } }],
  ['a bracket on the next line', 'a =\n[1]', { a: [1] }],
  ['commas, line ends and both between statements', 'a = 1, b = 2\nc = 3,\nd = 4,', { a: 1, b: 2, c: 3, d: 4 }],
  ['line ends between items', 'a = [\n 1\n 2,\n 3\n ,4,\n]', { a: [1, 2, 3, 4] }],
  ['lists in lists', 'a = [[1], [], [[2, 3]]]', { a: [[1], [], [[2, 3]]] }],
  ['groups in lists', 'a = [{b = 1, c.d = 2}\n {b = 3}]', { a: [{ b: 1, c: { d: 2 } }, { b: 3 }] }],
  [
    'two groups on one line, as in files of the original service',
    'a { b = 1 } c { d = 2 }',
    { a: { b: 1 }, c: { d: 2 } },
  ],
  // characters
  ['a byte order mark', '\uFEFFa = 1', { a: 1 }],
  ['CRLF', 'a = x y\r\nb {\r\n c = [1\r\n 2]\r\n}\r\n', { a: 'x y', b: { c: [1, 2] } }],
  ['tabs and no-break spaces around keys and values', '\ta\u00a0=\u00a0x\t', { a: 'x' }],
  ['other scripts', 'größe = 日本', { größe: '日本' }],
  // comments
  ['comments after values', 'a = 1 # one\nb = x // two\nc = [ # three\n 1 // one\n]', { a: 1, b: 'x', c: [1] }],
  ['# directly after a word', 'a = b#c', { a: 'b' }],
  ['comment signs in quotes', 'a = "x # y // z"', { a: 'x # y // z' }],
  ['// in a word', 'a = x//y', { a: 'x//y' }],
  ['a comment with quotes and braces', 'a = 1 # " { [ ${\nb = 2', { a: 1, b: 2 }],
  // strings
  ['addresses without quotes', 'url = https://h.example.org:8/a/b // c', { url: 'https://h.example.org:8/a/b' }],
  ['an image without quotes', 'image = renku/singleuser:0.1.2', { image: 'renku/singleuser:0.1.2' }],
  ['paths without quotes', 'a = /var/data\nb = ./x', { a: '/var/data', b: './x' }],
  ['several words', 'a =  one  two\tthree  ', { a: 'one  two\tthree' }],
  [
    'words that begin like a keyword or a number',
    'a = true story, b = nullable, c = 1st, d = false.',
    {
      a: 'true story',
      b: 'nullable',
      c: '1st',
      d: 'false.',
    },
  ],
  ['apostrophes', `a = "it's"\nb = it's\nc = 'x'`, { a: "it's", b: "it's", c: "'x'" }],
  ['escapes', '"a" = "\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\uD83D\\uDE00"', { a: '"\\/\b\f\n\r\tA😀' }],
  ['braces, dollars and colons in quotes', 'a = "${x} {b} [c] k = v, d: e"', { a: '${x} {b} [c] k = v, d: e' }],
  ['an empty string', 'a = ""', { a: '' }],
  ['blanks in quotes', 'a = "  x "', { a: '  x ' }],
  ['three quotes', 'a = """x\n "y" \\n ${z}\n"""', { a: 'x\n "y" \\n ${z}\n' }],
  ['more than three quotes', 'a = """"x""""\nb = """"""', { a: '"x"', b: '' }],
  ['quotes beside quotes', 'a = "x" "y"\nb = "x""y" z', { a: 'x y', b: 'xy z' }],
  // numbers and words
  [
    'numbers',
    'a = 0, b = -1, c = 1.50, d = 1e3, e = 1E-2, f = 9007199254740991, g = +5, h = .5, i = -0',
    {
      a: 0,
      b: -1,
      c: 1.5,
      d: 1000,
      e: 0.01,
      f: 9007199254740991,
      g: 5,
      h: 0.5,
      i: 0,
    },
  ],
  [
    'the number that Helm prints for a million',
    'a = 1e+06\nb = [1e+06, 2.5e+07]',
    { a: 1_000_000, b: [1_000_000, 25_000_000] },
  ],
  ['a number in quotes', 'a = "007"', { a: '007' }],
  ['durations and sizes as strings', 'a = 10 seconds, b = 1 GiB, c = 5m', { a: '10 seconds', b: '1 GiB', c: '5m' }],
  [
    'addresses and versions as strings',
    'a = 10.0.0.1, b = 1.2.3, c = 10.0.0.0/8',
    {
      a: '10.0.0.1',
      b: '1.2.3',
      c: '10.0.0.0/8',
    },
  ],
  [
    'booleans and null in any case',
    'a = True, b = FALSE, c = Null, d = [TRUE]',
    { a: true, b: false, c: null, d: [true] },
  ],
  // keys
  ['dots in keys', 'a.b.c = 1\na.b.d = 2', { a: { b: { c: 1, d: 2 } } }],
  ['dots in quoted keys', '"a.b".c = 1', { 'a.b': { c: 1 } }],
  ['slashes in keys', 'renku.io/x = 1\n"renku.io/y" = 2', { renku: { 'io/x': 1 }, 'renku.io/y': 2 }],
  ['numbers as keys', '1.2 = x', { 1: { 2: 'x' } }],
  ['an empty key', '"" = 1', { '': 1 }],
  [
    'names of inherited properties as keys',
    'length = 1, toString = 2, hasOwnProperty = 3, valueOf.x = 4',
    {
      length: 1,
      toString: 2,
      hasOwnProperty: 3,
      valueOf: { x: 4 },
    },
  ],
  ['include as a key', 'include = 1\ninclude.x = 2\nincluded = 3', { include: { x: 2 }, included: 3 }],
  // a key twice
  ['the last value of a key that is set twice', 'a = 1\na = 2', { a: 2 }],
  ['groups of the same key as one group', 'a { b = 1, c = 1 }\na { c = 2, d = 3 }', { a: { b: 1, c: 2, d: 3 } }],
  ['nested groups of the same key as one group', 'a.b.c = 1\na { b { d = 2 } }', { a: { b: { c: 1, d: 2 } } }],
  ['a list after a list', 'a = [1, 2, 3]\na = [4]', { a: [4] }],
  ['a group after a value', 'a = 1\na.b = 2', { a: { b: 2 } }],
  ['a value after a group', 'a.b = 2\na = 1', { a: 1 }],
  [
    'a group without the keys that an earlier value has replaced',
    'a { b = 1 }\na = null\na { c = 2 }',
    { a: { c: 2 } },
  ],
  ['a group after a list', 'a = [1]\na { b = 2 }', { a: { b: 2 } }],
  [
    'the last value of a key in a list',
    'a = [{b = 1, b = 2, c { d = 1 }, c { e = 2 }}]',
    { a: [{ b: 2, c: { d: 1, e: 2 } }] },
  ],
  // substitutions
  ['a substitution of a group', 'a { b = 1 }\nc = ${a}', { a: { b: 1 }, c: { b: 1 } }],
  ['a substitution', 'a.b = 1\nc = ${a.b}', { a: { b: 1 }, c: 1 }],
  ['a substitution of a later key', 'c = ${a.b}\na.b = [1]', { a: { b: [1] }, c: [1] }],
  ['a quoted name', '"a.b" = 1\nc = ${"a.b"}', { 'a.b': 1, c: 1 }],
  [
    'names of inherited properties in substitutions',
    'a = ${?toString}\nlength = 3\nb = ${length}',
    { length: 3, b: 3 },
  ],
  ['an optional substitution without a value', 'a = ${?nothing}', {}],
  ['the default before an optional substitution without a value', 'port = 8080\nport = ${?NOPE}', { port: 8080 }],
  ['a variable that replaces a default', 'a = 8080\na = ${?PORT}', { a: '9' }],
  ['a variable', 'a = ${HOME}/x', { a: '/home/jovyan/x' }],
  ['a variable that is empty', 'a = x\na = ${EMPTY}', { a: '' }],
  ['a key that overrides the variable of its name', 'port = 8080\na = ${port}', { port: 8080, a: 8080 }],
  ['a null that overrides the variable of its name', 'port = null\na = ${port}', { port: null, a: null }],
  ['an optional substitution in a list', 'a = [1, ${?nothing}, 2]', { a: [1, 2] }],
  ['an optional substitution in a string', 'a = x${?nothing}y', { a: 'xy' }],
  [
    'the earlier value before several optional substitutions',
    'a = 1\na = ${?x}${?y}\nb = 2\nb = ${?x} ${?y}',
    { a: 1, b: 2 },
  ],
  [
    'a nested key without a value as if it were not set',
    'a.b = ${?nothing}\nc { d = ${?nothing} }\ne = 1\ne.f = ${?nothing}',
    { c: {}, e: 1 },
  ],
  ['only optional substitutions', 'a = ${?nothing}${?nothing}', {}],
  ['a chain', 'a = ${b}\nb = ${c}\nc = 1', { a: 1, b: 1, c: 1 }],
  ['a value that replaces an unresolvable substitution', 'a = ${nothing}\na = 1', { a: 1 }],
  ['a value that replaces a group with an unresolvable substitution', 'a.b = ${nothing}\na = 1', { a: 1 }],
  [
    'the final value of another key in the group',
    'bar{foo=42,baz=${bar.foo}} bar{foo=43}',
    { bar: { foo: 43, baz: 43 } },
  ],
  [
    'two groups that refer to each other',
    'a { b = ${c.d} }\nc { d = 1, e = ${a.f} }\na.f = 2',
    {
      a: { b: 1, f: 2 },
      c: { d: 1, e: 2 },
    },
  ],
  // concatenation
  ['a string of several parts', 'h = x.org\na = "http://"${h}":80/"${h}', { h: 'x.org', a: 'http://x.org:80/x.org' }],
  ['blanks between parts', 'h = x\na = ${h}  ${h} y', { h: 'x', a: 'x  x y' }],
  [
    'numbers in strings as the file writes them',
    'a = 1.50\nb = ${a}s\nc = 1.50 1e3 True',
    { a: 1.5, b: '1.50s', c: '1.50 1e3 True' },
  ],
  ['words in a list', 'a = [one two, ${HOME}/x]', { a: ['one two', '/home/jovyan/x'] }],
];

/** Invalid texts, each with the lines of its errors. */
const refused: [what: string, text: string, lines: number[]][] = [
  ['a brace that is not closed', 'a = 1\nb {\n c = 1\n', [2]],
  ['a bracket that is not closed', 'a = 1\nb = [1,\n', [2]],
  ['a quote that is not closed', 'a = "x\nb = 1', [1]],
  ['three quotes that are not closed', 'a = 1\nb = """x\n', [2]],
  ['text after the end', '{"k":"v"}}}garbage', [1]],
  ['an extra brace', 'a = 1\n}\nb = 2', [2]],
  ['an extra bracket', 'a = 1\nb = 2 ]', [2]],
  ['the wrong bracket', 'a = [1}\n', [1]],
  ['a key without a value', 'a = 1\nb\nc = 2', [2]],
  ['a value that is missing', 'a =\nb = 2', [1]],
  ['a value that is only a comment', 'a = # x\n', [1]],
  ['= twice', 'a = = 1', [1]],
  ['= in a value', 'a = b = c', [1]],
  ['two statements on a line', 'a = {} b = 1', [1]],
  ['a list without =', 'a [1]', [1]],
  ['a comma first', ', a = 1', [1]],
  ['two commas', 'a = 1,,b = 2', [1]],
  ['two commas in a list', 'a = [1,\n,\n2]', [2]],
  ['a dot first', '.a = 1', [1]],
  ['a dot last', 'a. = 1', [1]],
  ['a dot at the end of a key', 'k.1. = 1', [1]],
  ['two dots', 'a..b = 1', [1]],
  ['blanks beside a dot', 'a . b = 1', [1]],
  ['no key', '= 1', [1]],
  ['? in a value', 'a = http://x/y?z', [1]],
  [
    'other characters without quotes',
    'a = x*y\nb = a@b\nc = !x\nd = a&b\ne = ^x\nf = `x`\ng = a\\b\nh = a+b\ni = $x',
    [1, 2, 3, 4, 5, 6, 7, 8, 9],
  ],
  ['an invalid escape', 'a = "\\x"\nb = "\\u12"\nc = "\\U0041"', [1, 2, 3]],
  ['one half of a surrogate pair', 'a = "\\ud800"', [1]],
  [
    'numbers that would lose digits',
    'a = 12345678901234567890\nb = 007\nc = 1e400\nd = 0.12345678901234567890',
    [1, 2, 3, 4],
  ],
  ['a number that ends in a dot', 'a = 1.', [1]],
  ['a carriage return alone', 'a = 1\nb = 2\rc = 3', [2]],
  ['NUL', 'a = 1\nb = "\0"', [2]],
  [
    'prototypes',
    '__proto__ { x = 1 }\n"__proto__".x = 1\na.constructor.b = 1\nb { prototype = 1 }\nc = [{__proto__ = 1}]',
    [1, 2, 3, 4, 5],
  ],
  ['prototypes in substitutions', 'a = ${__proto__.x}\nb = ${?a.constructor}', [1, 2]],
  ['code in a substitution', `a = ${s}{x;process.exit()}\nb = "ok"`, [1]],
  ['a substitution without a name', 'a = ${}\nb = ${?}', [1, 2]],
  ['a substitution that is not closed', 'a = ${b\nc = 1', [1]],
  ['a list of variables', 'a = ${HOME[]}', [1]],
  ['a name with a blank beside its dot', 'a.b = 1\nc = ${a. b}', [2]],
  ['a name without a value', 'a = 1\nb = ${nothing}\nc = ${a.b}', [2, 3]],
  ['a value that refers to itself', 'a = ${a}', [1]],
  ['a cycle', 'a = ${b}\nb = ${c}\nc = ${a}', [1]],
  ['a cycle of strings', 'x = 1\na = ${b}x\nb = ${a}y', [2]],
  ['a cycle through a group', 'a { b = ${c} }\nc { d = ${a.b} }', [1]],
  ['a string concatenated with a list', 'a = x [1]\nb = [1] x', [1, 2]],
  ['a string concatenated with a group', 'a = x {b = 1}\nb = {c = 1} x', [1, 2]],
  ['a list concatenated with a group', 'a = [1] {b = 1}', [1]],
  ['a substituted string concatenated with a group', 'x = 1\na = ${x} {b = 1}', [2]],
  ['a substituted string concatenated with a list', 'x = 1\na = [1] ${x}', [2]],
  ['a substituted string concatenated with a group in a list', 'x = 1\na = [\n${x} {b = 1}\n]', [3]],
  // parts of HOCON that are not supported
  ['a key with blanks', 'a b = 1', [1]],
  ['a key that consists of several pieces', 'a"b.c"d = 1', [1]],
  ['keys added to a substituted group', 'a { b = 1 }\nc = ${a}\nc.d = 2', [2]],
  ['a substituted group over another one', 'x.a = 1\ny.b = 1\na = ${x}\na = ${y}', [3]],
  ['substitutions concatenated over a group', 'x = 1\na.b = 1\na = ${x}${x}', [3]],
  ['a substituted group over a group', 'a { b = 1 }\nc.d = 2\nc = ${a}', [3]],
  ['a string that refers to its earlier value', 'path = "a"\npath = ${path}":b"\npath = ${path}":c"', [3]],
  ['a key that refers to the variable of its name', 'HOME = ${HOME}/x', [1]],
  ['an optional substitution of its own key', 'a = ${?a}', [1]],
  ['a list that refers to its earlier value', 'a = [1]\na = [${a}, {b = ${a}}]', [2]],
  ['a group that refers to a part of itself', 'foo { a { c = 1 } }\nfoo = ${foo.a}\nfoo { a = 2 }', [2]],
  ['a key that refers to its group', 'a.b = 1\na.c = ${a}', [2]],
  ['+=', 'a += 1\na += x y\na += [2]\na += {b = 3}', [1, 2, 3, 4]],
  ['+= in a group', 'a { b = [1] }\na { b += 2 }', [2]],
  ['+= in a list', 'a = [{b += 1}]', [1]],
  ['concatenated lists', 'x = [2]\na = [1] ${x} [3, 4]\nb = [1] [2]', [2, 3]],
  ['a list concatenated with a missing value', 'a = ${?nothing} [1]', [1]],
  ['concatenated groups', 'a = {b = 1, c = 1} {c = 2}', [1]],
  ['a group concatenated with a substitution', 'a = ${b} {c = 1}\nb {c = 0, d = 2}\nd = {c = 1} ${b}', [1, 3]],
  ['concatenated groups in a list', 'b {x = 1}\na = [\n${b} {y = 2}\n{z = 3} ${b}\n]', [3, 4]],
  [
    'includes',
    'include "x"\ninclude file("x")\ninclude required(file("x"))\ninclude url("x")\ninclude classpath("x")',
    [1, 2, 3, 4, 5],
  ],
  ['groups 5,000 deep', `x = 1\na = ${'{a='.repeat(5000)}1${'}'.repeat(5000)}`, [2]],
  ['lists 5,000 deep', `${'['.repeat(5000)}`, [1]],
  ['a key of 5,000 parts', `x = 1\n${'a.'.repeat(5000)}a = 1`, [2]],
];

describe('HOCON', () => {
  it.each(right)('reads %s', (_what, text, tree) => {
    expect(parseHocon(text, env)).toMatchObject({ errors: [], broken: [], isUnreadable: false });
    expect(parseHocon(text, env).tree).toEqual(tree);
  });

  it.each(refused)('rejects %s and gives each line', (_what, text, lines) => {
    expect(parseHocon(text, env).errors.map(({ line }) => line)).toEqual(lines);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  it('is tested with at least ninety different texts', () => {
    const texts = new Set([...right, ...refused].map(([, text]) => text));
    expect(texts.size).toBe(right.length + refused.length);
    expect(texts.size).toBeGreaterThanOrEqual(90);
  });

  it('reads CRLF like LF, and the content of a group like the top level', () => {
    for (const [what, text, tree] of right) {
      if (/"""|\r/.test(text)) continue;
      expect(parseHocon(text.replaceAll('\n', '\r\n'), env).tree, what).toEqual(tree);
      if (/^\s*[[{]|\$|\uFEFF/.test(text)) continue;
      expect(parseHocon(`outer {\n${text}\n}`, env).tree, what).toEqual({ outer: tree });
    }
  });

  it('continues after an error and names the keys without a value', () => {
    const text = 'a { b = ?x, c = 1 }\nd = [1, ?, 2]\ne = ${nothing}\nf.g = "ok"\nh = [{i = &}]\n';
    expect(parseHocon(text, {})).toMatchObject({
      tree: { a: { c: 1 }, f: { g: 'ok' } },
      broken: ['a.b', 'd', 'h', 'e'],
      errors: [{ line: 1 }, { line: 2 }, { line: 3 }, { line: 5 }],
      isUnreadable: false,
    });
  });

  it('returns the line of every value', () => {
    const { lines } = parseHocon('a {\n b = 1\n c = [\n  {d = 1}\n  {d = 2}\n ]\n}\na.b = 2\ne = ${a.c}', {});
    expect(Object.fromEntries(lines)).toMatchObject({ 'a.b': 8, 'a.c': 3, 'a.c.0.d': 4, 'a.c.1.d': 5, 'e.1.d': 5 });
  });

  it('repeats no text of the file in an error', () => {
    const secret = 'hunter2';
    const texts = [
      `a = ?${secret}`,
      `a = "${secret}`,
      `${secret}`,
      `a = x {${secret}`,
      `a = 1${secret}+`,
      `a = ${secret} [1]`,
    ];
    for (const text of texts) {
      const { errors } = parseHocon(text, {});
      expect(errors).not.toEqual([]);
      expect(JSON.stringify(errors)).not.toContain(secret);
    }
  });

  it('runs no code and changes no global object', () => {
    const attack = `a = "${s}{globalThis.polluted = 1}"\nb = """${s}{globalThis.polluted = 1}"""\n"${s}{globalThis.polluted = 1}" = 1`;
    const text = `${s}{globalThis.polluted = 1}`;
    expect(parseHocon(attack, {}).tree).toEqual({ a: text, b: text, [text]: 1 });
    expect(globalThis).not.toHaveProperty('polluted');
  });
});

/** The processor time must not grow much faster than the file. The limits are ten times the measured seconds. */
describe('HOCON of thousands of lines', () => {
  const many = (line: (index: number) => string, count = 2000): string =>
    Array.from({ length: count }, (_, index) => line(index)).join('\n');
  const measured = (text: string): { seconds: number } & ReturnType<typeof parseHocon> => {
    const before = process.cpuUsage();
    const file = parseHocon(text, {});
    const { user, system } = process.cpuUsage(before);
    return { ...file, seconds: (user + system) / 1e6 };
  };

  it.each([
    ['groups', many((index) => `k${index} { a = ${index}, b = "x" }`)],
    ['items', `a = [\n${many((index) => `{ a = ${index}, b = "x" }`)}\n]`],
    ['values for one key', many((index) => `a = ${index}`)],
    ['substitutions', `a { b = 1 }\n${many((index) => `k${index} = ${s}{a.b}`)}`],
  ])('reads 2,000 %s', (_what, text) => {
    const { errors, seconds } = measured(text);
    expect(errors).toEqual([]);
    expect(seconds).toBeLessThan(20);
  });

  it.each([
    [
      'lists that double with each line',
      `a0 = [1, 1]\n${many((index) => `a${index + 1} = [${s}{a${index}}, ${s}{a${index}}]`, 60)}`,
    ],
    [
      'groups that double with each line',
      `a0 = {x = 1}\n${many((index) => `a${index + 1} { x = ${s}{a${index}}, y = ${s}{a${index}} }`, 60)}`,
    ],
    [
      'strings that double with each line',
      `a0 = xxxxxxxx\n${many((index) => `a${index + 1} = ${s}{a${index}}${s}{a${index}}`, 60)}`,
    ],
    ['a chain of 5,000', `${many((index) => `a${index} = ${s}{a${index + 1}}`, 5000)}\na5000 = 1`],
    ['a list that refers to itself, 5,000 times', many(() => `a = [${s}{?a}]`, 5000)],
    [
      'a chain through deep lists',
      `${many((index) => `a${index} = ${'['.repeat(95)}${s}{a${index + 1}}${']'.repeat(95)}`, 600)}\na600 = 1`,
    ],
    ['a value that refers to itself, 2,000 times', many((index) => `a = ${s}{?a}${index}`)],
    ['2,000 errors', many(() => 'a = ?')],
  ])('rejects %s within the time limit, and gives each line', (_what, text) => {
    const { errors, seconds } = measured(text);
    expect(errors.length).toBeGreaterThan(0);
    for (const { line } of errors) expect(line).toBeGreaterThan(0);
    expect(errors.length).toBeLessThan(60);
    expect(seconds).toBeLessThan(20);
  });
});
