import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { pipProgress } from '../python/virtual-environment.ts';
import { createTerminal } from './terminal.ts';

/** Shortened output of pip 25. */
const pipLines = (packages: number): string[] => [
  ...Array.from({ length: packages }, (_, index) => [
    `Collecting package-${index}==1.${index}.0 (from -r requirements.txt (line ${index}))`,
    `  Downloading package_${index}-1.${index}.0-py3-none-any.whl.metadata (2.4 kB)`,
  ]).flat(),
  'Installing collected packages: package-0, package-1',
  'Successfully installed package-0-1.0.0',
];

function printed(isTTY: boolean, packages: number): string {
  const output = Object.assign(new PassThrough(), { isTTY, columns: 60 });
  const terminal = createTerminal(output);
  terminal.step('preparing Python and JupyterLab ...');
  const onLine = pipProgress((line, isTransient) => (isTransient ? terminal.progress(line) : terminal.detail(line)));
  for (const line of pipLines(packages)) onLine(line);
  terminal.step('service and operator are running');
  return String(output.read());
}

it('the first start announces long steps, without the names of packages', () => {
  const text = printed(false, 70);
  expect(text.trim().split('\n')).toEqual([
    'preparing Python and JupyterLab ...',
    '    Downloading JupyterLab and the packages that it needs (about a minute)',
    '    Installing the packages (about half a minute)',
    '  service and operator are running',
  ]);
});

it('a terminal shows the number of packages in one line, which the next line replaces', () => {
  const text = printed(true, 70);
  expect(text).not.toContain('package-1');
  expect(text).toContain('70 packages');
  // The terminal shows only the text after the last carriage return of a line.
  const shown = text.split('\n').map((line) => line.split('\r').at(-1) ?? '');
  expect(shown.filter((line) => /\d+ packages/.test(line))).toEqual([]);
  expect(shown.filter((line) => line !== '')).toHaveLength(4);
});
