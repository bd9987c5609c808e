/** What the person at the terminal sees: short lines while it works, then the links. The log files have the rest. */
export interface Terminal {
  /** Something began or went on. */
  step(text: string): void;
  /** More about the step above it, indented. */
  detail(text: string): void;
  /** How far something is: the next line of any kind takes its place. Nothing where the output is no terminal. */
  progress(text: string): void;
  say(text: string): void;
}

const clearLine = '\r\u001b[2K';

export function createTerminal(output: NodeJS.WritableStream & { isTTY?: boolean; columns?: number }): Terminal {
  const dim = (text: string) => (output.isTTY ? `\u001b[2m${text}\u001b[22m` : text);
  let isPassing = false;
  const write = (text: string) => {
    output.write(isPassing ? clearLine + text : text);
    isPassing = false;
  };
  return {
    step: (text) => write(`  ${text}\n`),
    detail: (text) => write(dim(`    ${text}\n`)),
    progress(text) {
      if (!output.isTTY) return;
      // A line that wraps could not be taken back.
      write(dim(`    ${text}`.slice(0, (output.columns ?? 80) - 1)));
      isPassing = true;
    },
    say: (text) => write(`${text}\n`),
  };
}
