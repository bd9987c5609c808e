import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { type Declaration, type EnvironmentFile, type Skipped, unread } from './declaration.ts';
import { readRequirement, type SkipReason } from './requirement.ts';

const file: EnvironmentFile = 'environment.yml';
/** Maximum length in characters: parsing takes time, and blocks the platform's process. */
const maxLength = 64 * 1024;

/**
 * Returns the pip requirements of a conda environment. Conda's packages are skipped, because they are not on the package
 * index; pip itself, and Python in the session's version, are ignored.
 */
export function readEnvironmentYml(text: string, python: string): Declaration {
  if (text.length > maxLength) return unread(file, `is larger than ${maxLength / 1024} KB, the maximum`);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'silent' });
  const [error] = document.errors;
  if (error) return unread(file, `is not valid YAML (line ${lines.linePos(error.pos[0]).line})`);
  const dependencies = isMap(document.contents) ? document.contents.get('dependencies') : undefined;
  if (!isSeq<Node>(dependencies)) return { requirements: [], skipped: [], notes: [] };

  const requirements: string[] = [];
  const skipped: Skipped[] = [];
  const lineOf = ({ range }: Node) => (range ? lines.linePos(range[0]).line : undefined);
  const skip = (node: Node, reason: SkipReason) =>
    skipped.push({ file, line: lineOf(node), text: textOf(node), reason });
  for (const item of dependencies.items) {
    const pip = isMap(item) ? item.get('pip') : undefined;
    if (isScalar(item) && !isProvided(textOf(item), python)) skip(item, 'conda');
    else if (!isScalar(item) && !isSeq(pip)) skip(item, 'invalid');
    for (const each of isSeq<Node>(pip) ? pip.items : []) {
      const requirement = readRequirement(isScalar(each) ? textOf(each) : '');
      if ('text' in requirement) requirements.push(requirement.text);
      else skip(each, requirement.skipped);
    }
  }
  return { requirements, skipped, notes: [] };
}

const textOf = (node: Node): string => String(isScalar(node) ? node.value : node);

/** Returns true if the session already has this conda package: `pip`, or for example `python=3.11` if that is its version. */
function isProvided(wanted: string, python: string): boolean {
  const [, name, version = ''] = /^\s*(pip|python)\s*=*\s*([\d.]*)(?:\.\*)?\s*$/i.exec(wanted) ?? [];
  return (
    name !== undefined && (name.toLowerCase() === 'pip' || `${python}.`.startsWith(`${version}.`) || version === '')
  );
}
