import { html, Markup } from './html.ts';

/**
 * Icons of 16 x 16 pixels. Each page contains one hidden sheet with all icons, to which `<use>` refers. So a page loads no
 * icon files, and the content security policy needs no exception.
 */
const stroke = 'fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"';

const shapes = {
  branch:
    '<circle cx="4.5" cy="3.5" r="1.75"/><circle cx="4.5" cy="12.5" r="1.75"/><circle cx="11.5" cy="5.5" r="1.75"/><path d="M4.5 5.25v5.5M11.5 7.25c0 2-1.5 2.75-3.5 2.75-1.5 0-3 .25-3.5 1"/>',
  commit: '<circle cx="8" cy="8" r="2.5"/><path d="M1.5 8h4M10.5 8h4"/>',
  clock: '<circle cx="8" cy="8" r="6"/><path d="M8 4.75V8l2.25 1.5"/>',
  arrow: '<path d="M3 8h9.5M8.5 4l4 4-4 4"/>',
  launch: '<path d="M5 3.25v9.5L12.5 8z"/>',
  chevron: '<path d="M4 6l4 4 4-4"/>',
  stop: '<rect x="4" y="4" width="8" height="8" rx="1.25"/>',
  search: '<circle cx="7" cy="7" r="4.25"/><path d="M10.25 10.25l3.5 3.5"/>',
  warning: '<path d="M8 2.25l6.25 11H1.75zM8 6.5v3.25"/><path d="M8 11.5v.01"/>',
  check: '<path d="M3.5 8.5l3 3 6-7"/>',
  cross: '<path d="M4.25 4.25l7.5 7.5M11.75 4.25l-7.5 7.5"/>',
  lock: '<rect x="3.5" y="7" width="9" height="6.25" rx="1.25"/><path d="M5.5 7V5a2.5 2.5 0 015 0v2"/>',
  link: '<path d="M6.75 9.25a2.5 2.5 0 003.5 0l2.5-2.5a2.5 2.5 0 00-3.5-3.5l-.75.75M9.25 6.75a2.5 2.5 0 00-3.5 0l-2.5 2.5a2.5 2.5 0 003.5 3.5l.75-.75"/>',
  retry: '<path d="M13 8a5 5 0 11-1.6-3.66M13 2.5V5h-2.5"/>',
  user: '<circle cx="8" cy="5.5" r="2.75"/><path d="M2.75 14c.5-3 2.5-4.25 5.25-4.25S12.75 11 13.25 14"/>',
} as const;

export type IconName = keyof typeof shapes;

export const iconSheet = new Markup(
  `<svg class="icon-sheet" aria-hidden="true" focusable="false">${Object.entries(shapes)
    .map(([name, shape]) => `<symbol id="icon-${name}" viewBox="0 0 16 16" ${stroke}>${shape}</symbol>`)
    .join('')}</svg>`,
);

/** Returns an icon that is hidden from screen readers. The caller adds a text beside the icon. */
export function icon(name: IconName): Markup {
  return html`<svg class="icon" aria-hidden="true" focusable="false"><use href="#icon-${name}"/></svg>`;
}

/** The logo: a notebook page with a rising sun. */
export const logo = new Markup(
  `<svg class="logo" viewBox="0 0 28 28" aria-hidden="true" focusable="false">
    <rect class="logo-page" x="2" y="2" width="24" height="24" rx="6"/>
    <path class="logo-sun" d="M8.25 17a5.75 5.75 0 0111.5 0z"/>
    <path class="logo-line" d="M6.5 17h15M9 20.75h10"/>
    <path class="logo-ray" d="M14 6.25v2M7.3 9.3l1.25 1.25M20.7 9.3l-1.25 1.25"/>
  </svg>`,
);
