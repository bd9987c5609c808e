import { readFile } from 'node:fs/promises';

export const demoDescription = "How long is the Sun's cycle? A notebook on three centuries of sunspots";

const author = 'Notebook Sessions <demo@notebook-sessions.example>';

interface DemoCommit {
  readonly branch: string;
  readonly message: string;
  /** A fixed time, so that the commits have the same ids on every machine. */
  readonly date: string;
  /** Path in the project, and the file in `demo/` with its content. */
  readonly files: Readonly<Record<string, string>>;
}

const history: readonly DemoCommit[] = [
  {
    branch: 'main',
    message: 'Add three centuries of sunspots',
    date: '2025-03-03T09:00:00Z',
    files: { 'README.md': 'README.md', 'data/sunspots.csv': 'data/sunspots.csv' },
  },
  {
    branch: 'main',
    message: "Find the period of the Sun's cycle",
    date: '2025-03-04T10:30:00Z',
    files: { 'first-light.ipynb': 'first-light.ipynb', 'requirements.txt': 'requirements.txt' },
  },
  {
    branch: 'main',
    message: 'Keep checkpoints out of the repository',
    date: '2025-03-04T11:00:00Z',
    files: { '.gitignore': 'gitignore' },
  },
  {
    branch: 'solar-minima',
    message: 'Find the quiet years',
    date: '2025-03-05T14:15:00Z',
    files: { 'minima.ipynb': 'minima.ipynb' },
  },
];

/** Returns the history of the demo project for `git fast-import`. The branch `solar-minima` starts at the end of `main`. */
export async function demoStream(): Promise<Buffer> {
  const parts: Buffer[] = [];
  const begun = new Set<string>();
  for (const { branch, message, date, files } of history) {
    const seconds = Date.parse(date) / 1000;
    parts.push(
      Buffer.from(`commit refs/heads/${branch}\ncommitter ${author} ${seconds} +0000\n`),
      data(Buffer.from(`${message}\n`)),
    );
    if (begun.size > 0 && !begun.has(branch)) parts.push(Buffer.from('from refs/heads/main\n'));
    begun.add(branch);
    for (const [path, source] of Object.entries(files)) {
      const content = await readFile(new URL(`./demo/${source}`, import.meta.url));
      parts.push(Buffer.from(`M 100644 inline ${path}\n`), data(content));
    }
  }
  parts.push(Buffer.from('done\n'));
  return Buffer.concat(parts);
}

function data(content: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`data ${content.length}\n`), content, Buffer.from('\n')]);
}
