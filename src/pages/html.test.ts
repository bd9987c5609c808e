import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { html, jsonScript } from './html.ts';

describe('html', () => {
  it('escapes strings, keeps markup, and omits null, undefined and false', () => {
    const name = `<b title="x">O'Neil & co</b>`;
    expect(html`<p class="${name}">${name}</p>`.text).toBe(
      '<p class="&lt;b title=&quot;x&quot;&gt;O&#39;Neil &amp; co&lt;/b&gt;">&lt;b title=&quot;x&quot;&gt;O&#39;Neil &amp; co&lt;/b&gt;</p>',
    );
    expect(html`${[html`<i>1</i>`, 2, null, undefined, false, ['<']]}`.text).toBe('<i>1</i>2&lt;');
  });

  it('prevents strings from starting an element or ending an attribute', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(html`${text}`.text).not.toMatch(/[<>"']/);
      }),
    );
  });
});

describe('jsonScript', () => {
  it('contains any data without a character that could end the element or a line', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom('</script>', '<!--', '\u2028', ']]>'), (value, hostile) => {
        const data = { value, [hostile]: hostile };
        const { text } = jsonScript('data', data);
        const json = /^<script type="application\/json" id="data">(.*)<\/script>$/.exec(text)?.[1] ?? '';
        expect(json).not.toMatch(/[<>&\u2028\u2029]/);
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(data)));
      }),
    );
  });
});
