/**
 * Markup as a value. Everything put into a template is escaped unless it is markup itself, so that a project named
 * `<script>` is a project with a funny name. Attribute values must be quoted in the template.
 */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toString(): string {
    return this.text;
  }
}

export type Fragment = Markup | string | number | null | undefined | false | readonly Fragment[];

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}

function rendered(value: Fragment): string {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof Markup) return value.text;
  if (Array.isArray(value)) return value.map(rendered).join('');
  return escapeHtml(String(value));
}

/** null, undefined and false render nothing; lists render one after another. */
export function html(strings: TemplateStringsArray, ...values: Fragment[]): Markup {
  return new Markup(String.raw({ raw: strings }, ...values.map(rendered)));
}

/**
 * Data for the page's script, in an element that no browser executes. `<` and `>` cannot end the element or open a
 * comment, and U+2028 and U+2029 end no line, whatever reads it.
 */
export function jsonScript(id: string, data: unknown): Markup {
  const json = JSON.stringify(data).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return html`<script type="application/json" id="${id}">${new Markup(json)}</script>`;
}
