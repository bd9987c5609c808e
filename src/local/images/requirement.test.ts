import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRequirement } from './requirement.ts';
import { readRequirementsTxt } from './requirements-txt.ts';

describe('a requirement', () => {
  it.each([
    'numpy',
    'numpy==1.26.4',
    'numpy >= 1.26 , < 3',
    'numpy (>=1.26)',
    'zope.interface~=5.0',
    'requests[socks, use-chardet]>=2',
    'requests[]',
    'pandas ; python_version < "3.13" and sys_platform == "linux"',
    'ruamel.yaml===0.18.6.post1+local',
    'torch==2.*,!=2.1.*',
    `numpy==2.0.0 --hash=sha256:${'a'.repeat(64)} --hash=sha512:${'b'.repeat(128)}`,
  ])('is %s', (text) => expect(readRequirement(`  ${text}  `)).toEqual({ text }));

  it.each([
    ['-e .', 'option'],
    ['-r other.txt', 'option'],
    ['--extra-index-url https://example.org/simple', 'option'],
    ['numpy --no-binary=:all:', 'option'],
    ['numpy --hash=md5:aa', 'option'],
    ['numpy @ https://example.org/numpy.whl', 'address'],
    ['numpy@https://example.org/numpy.whl', 'address'],
    ['git+ssh://git@example.org/x.git#egg=x', 'address'],
    ['https://example.org/x.whl', 'address'],
    ['file:///etc/passwd', 'address'],
    ['./local', 'path'],
    ['local/package', 'path'],
    ['C:\\packages\\x', 'address'],
    ['numpy-1.0-py3-none-any.whl', 'path'],
    ['archive.tar.gz', 'path'],
    ['.', 'path'],
    ['$NUMPY', 'invalid'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the syntax of uv's variables
    ['numpy==${HOME}', 'invalid'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the syntax of uv's variables
    ['numpy ; platform_node == "${SECRET}"', 'invalid'],
    ['numpy==1.0 scipy', 'invalid'],
    ['numpy = 1.0', 'invalid'],
    ['numpy\u0000', 'invalid'],
    ['nümpy', 'invalid'],
    ['', 'invalid'],
    ['a'.repeat(3_000), 'invalid'],
  ])('is not %j: %s', (text, skipped) => expect(readRequirement(text)).toEqual({ skipped }));

  it('is a single line without variables and without options except hashes, for any input', () => {
    const part = fc.constantFrom(
      'numpy',
      ' ',
      '-',
      '--hash=sha256:ab',
      '@',
      '://',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the syntax of uv's variables
      '${A}',
      '\n',
      '\\',
      ';',
      '"',
      '==1',
      '#',
      '[a]',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(part).map((parts) => parts.join('')),
        ),
        (given) => {
          const read = readRequirement(given);
          if (!('text' in read)) return;
          expect(read.text).toMatch(/^[A-Za-z0-9]/);
          expect(read.text).not.toMatch(/[\p{Cc}$]/u);
          expect(
            read.text
              .split(' --')
              .slice(1)
              .every((option) => option.startsWith('hash')),
          ).toBe(true);
          expect(read.text.split(';')[0]).not.toMatch(/[@:](?!sha)/);
        },
      ),
    );
  });
});

describe('requirements.txt', () => {
  it('is read like in pip: comments, continued lines, all line ends', () => {
    const text = 'numpy # fast\r\n\r\n# none\npandas \\\n  >=2 \\\n  # ends it\rscipy#1\nplain\\';
    expect(readRequirementsTxt(text)).toEqual({
      requirements: ['numpy', 'pandas >=2', 'plain'],
      skipped: [{ file: 'requirements.txt', line: 7, text: 'scipy#1', reason: 'invalid' }],
      notes: [],
    });
  });

  it('is read quickly, also with long lines that are designed to be slow', () => {
    const lines = [
      `${'a'.repeat(1_000)}?`,
      ' '.repeat(1_000),
      `x${' --hash=sha256:a'.repeat(60)}?`,
      `a[${'b,'.repeat(400)}`,
      `a==1${',<1'.repeat(300)}?`,
    ];
    const text = Array.from({ length: 1_000 }, (_, index) => lines[index % lines.length]).join('\n');
    const before = process.cpuUsage();
    expect(readRequirementsTxt(text).requirements).toHaveLength(0);
    expect(process.cpuUsage(before).user).toBeLessThan(5_000_000);
  });
});
