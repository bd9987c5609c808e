/**
 * HTML that needs no escaping. The template function `html` escapes every other value, so that text of users cannot add
 * elements. Attribute values must be quoted in the template.
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

/** Returns the template with escaped values. null, undefined and false give no text; the items of a list are joined. */
export function html(strings: TemplateStringsArray, ...values: Fragment[]): Markup {
  return new Markup(String.raw({ raw: strings }, ...values.map(rendered)));
}

/**
 * Returns an element with data for the page's script. `<`, `>`, `&` and the line separators U+2028 and U+2029 are escaped,
 * so that the data cannot end the element.
 */
export function jsonScript(id: string, data: unknown): Markup {
  const json = JSON.stringify(data).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return html`<script type="application/json" id="${id}">${new Markup(json)}</script>`;
}
