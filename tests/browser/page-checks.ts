/** Expressions to evaluate in a page. Those that check it return a list of findings; an empty list means that all is right. */

/** Buttons and fields that are too small for a touch screen. */
export const smallTargets = `[...document.querySelectorAll('a.button, button, input, select, label.segment, label.size, label.check')]
  .filter((element) => element.getClientRects().length > 0 && !element.matches('label input:is([type=radio], [type=checkbox])'))
  .filter((element) => element.getBoundingClientRect().height < 36)
  .map((element) => element.outerHTML)`;

/** Texts with a contrast below WCAG AA (4.5), as "ratio text". */
export const faintTexts = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const pixel = (...colors) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const color of colors) { canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.unshift(getComputedStyle(e).backgroundColor);
    return layers;
  };
  const found = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '');
    if (!own || element.closest('.sr, .skip, [hidden]') || element.getClientRects().length === 0) continue;
    const layers = behind(element);
    const [a, b] = [luminance(pixel(...layers)), luminance(pixel(...layers, getComputedStyle(element).color))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(ratio.toFixed(2) + ' ' + element.textContent.trim().slice(0, 40));
  }
  return found;
})()`;

/** Records each text of the copy buttons in `window.copyLabels`: 'Copied' is shown for two seconds only. */
export const recordCopyLabels = `(() => {
  window.copyLabels = [];
  const record = () => window.copyLabels.push(...[...document.querySelectorAll('[data-copy-text]')].map((label) => label.textContent));
  window.copyObserver?.disconnect();
  window.copyObserver = new MutationObserver(record);
  for (const label of document.querySelectorAll('[data-copy-text]')) {
    window.copyObserver.observe(label, { childList: true, characterData: true, subtree: true });
  }
})()`;

/** Controls without a name for screen readers. */
export const unnamedControls = `[...document.querySelectorAll('a, button, input, select, textarea')]
  .filter((element) => element.getClientRects().length > 0)
  .filter((element) => {
    const labels = [...(element.labels ?? [])].map((label) => label.textContent).join('');
    return (element.getAttribute('aria-label') ?? '').trim() === '' && (labels + element.textContent).trim() === '';
  })
  .map((element) => element.outerHTML)`;
