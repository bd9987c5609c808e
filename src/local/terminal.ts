/** What the person at the terminal sees: short lines while it works, then the links. The log files have the rest. */
export interface Terminal {
  /** Something began or went on. */
  step(text: string): void;
  /** A line of somebody else's output (pip, git), indented. */
  detail(text: string): void;
  say(text: string): void;
}

export function createTerminal(output: NodeJS.WritableStream & { isTTY?: boolean }): Terminal {
  const dim = (text: string) => (output.isTTY ? `\u001b[2m${text}\u001b[22m` : text);
  return {
    step: (text) => void output.write(`  ${text}\n`),
    detail: (text) => void output.write(dim(`    ${text}\n`)),
    say: (text) => void output.write(`${text}\n`),
  };
}
