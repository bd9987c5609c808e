/** The output for the user at the terminal: short lines about the start, then the links. Details are in the log files. */
export interface Terminal {
  /** Prints a step of the start. */
  step(text: string): void;
  /** Prints an indented detail of the last step. */
  detail(text: string): void;
  /** Shows the progress of the last step; the next line replaces it. Prints nothing if the output is not a terminal. */
  progress(text: string): void;
  say(text: string): void;
}

const clearLine = '\r\u001b[2K';

export function createTerminal(output: NodeJS.WritableStream & { isTTY?: boolean; columns?: number }): Terminal {
  const dim = (text: string) => (output.isTTY ? `\u001b[2m${text}\u001b[22m` : text);
  let hasProgress = false;
  const write = (text: string) => {
    output.write(hasProgress ? clearLine + text : text);
    hasProgress = false;
  };
  return {
    step: (text) => write(`  ${text}\n`),
    detail: (text) => write(dim(`    ${text}\n`)),
    progress(text) {
      if (!output.isTTY) return;
      // The line is cut, because a line that wraps cannot be cleared.
      write(dim(`    ${text}`.slice(0, (output.columns ?? 80) - 1)));
      hasProgress = true;
    },
    say: (text) => write(`${text}\n`),
  };
}
