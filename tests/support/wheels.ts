import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

const zip = `
import json, sys, zipfile
path, files = json.loads(sys.stdin.read())
with zipfile.ZipFile(path, "w") as wheel:
    for name, text in files.items():
        wheel.writestr(name, text)
`;

/** A pure Python package for `pip install --no-index --find-links FOLDER NAME`. */
export interface Wheel {
  name: string;
  version?: string;
  /** Path in site-packages, or `NAME-VERSION.data/data/...` for data, to content. */
  files: Record<string, string>;
  /** Program to `module:function`. */
  programs?: Record<string, string>;
}

/** Creates a wheel file of the package in the folder. */
export function makeWheel(folder: string, { name, version = '1.0', files, programs = {} }: Wheel): void {
  mkdirSync(folder, { recursive: true });
  const info = `${name}-${version}.dist-info`;
  const entries = Object.entries(programs).map(([program, target]) => `${program} = ${target}\n`);
  const all: Record<string, string> = {
    ...files,
    [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`,
    [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    [`${info}/entry_points.txt`]: `[console_scripts]\n${entries.join('')}`,
  };
  all[`${info}/RECORD`] = [...Object.keys(all), `${info}/RECORD`].map((path) => `${path},,\n`).join('');
  const input = JSON.stringify([join(folder, `${name}-${version}-py3-none-any.whl`), all]);
  execFileSync('python3', ['-c', zip], { input });
}
