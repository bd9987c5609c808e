import { isReached, type Row, ratioOf, type Target } from './figure.ts';

const headings = ['figure', 'measured', 'baseline', 'ratio', 'target', ''];

/** Returns a Markdown table with aligned columns. */
export function table(rows: readonly Row[]): string {
  const lines = [headings, ...rows.map(cells)];
  const widths = headings.map((_heading, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const drawn = lines.map((line) => `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [drawn[0], rule, ...drawn.slice(1)].join('\n');
}

function cells(row: Row): string[] {
  const { what, measured, unit, baseline, target } = row;
  const ratio = ratioOf(row);
  const reached = isReached(row);
  return [
    what,
    `${rounded(measured)} ${unit}`,
    baseline ? `${rounded(baseline.measured)} (${baseline.is})` : '',
    ratio === undefined ? '' : ratio.toFixed(2),
    target ? targetText(target, unit) : '',
    reached === undefined ? '' : reached ? 'ok' : 'NOT REACHED',
  ];
}

function targetText(target: Target, unit: string): string {
  const [sign, limit] = 'atMost' in target ? ['<=', target.atMost] : ['>=', target.atLeast];
  return target.of === 'ratio' ? `ratio ${sign} ${limit}` : `${sign} ${limit} ${unit}`;
}

/** Returns at most three digits, because a shared machine is not more precise. */
function rounded(value: number): string {
  return value >= 100 || Number.isInteger(value) ? String(Math.round(value)) : value.toPrecision(3);
}
