import type { Declaration, EnvironmentFile, Skipped } from './declaration.ts';
import { readRequirement } from './requirement.ts';

const file: EnvironmentFile = 'requirements.txt';

/** Returns the requirements by name of a file in pip's format; all other lines are skipped. */
export function readRequirementsTxt(text: string): Declaration {
  const requirements: string[] = [];
  const skipped: Skipped[] = [];
  for (const { line, content } of logicalLines(text)) {
    const requirement = readRequirement(content);
    if ('text' in requirement) requirements.push(requirement.text);
    else skipped.push({ file, line, text: content, reason: requirement.skipped });
  }
  return { requirements, skipped, notes: [] };
}

/** Returns lines as pip reads them: a backslash at the end joins lines, a comment begins with `#` after white space. */
function logicalLines(text: string): { line: number; content: string }[] {
  const logical: { line: number; content: string }[] = [];
  let parts: string[] = [];
  let first = 1;
  const finish = () => {
    const content = parts
      .join('')
      .replace(/(^|\s)#.*$/u, '')
      .trim();
    if (content !== '') logical.push({ line: first, content });
    parts = [];
  };
  for (const [index, physical] of text.split(/\r\n|\n|\r/).entries()) {
    if (parts.length === 0) first = index + 1;
    const isComment = /^\s*#/.test(physical);
    if (physical.endsWith('\\') && !isComment) {
      parts.push(physical.slice(0, -1));
      continue;
    }
    // A comment ends a continued line.
    parts.push(isComment ? '' : physical);
    finish();
  }
  finish();
  return logical;
}
