// @ts-check
/**
 * Adds a link to sign in or to switch the user if `/auth/me` returns its URL, as on the local platform. The server has
 * already written the user's name into the page.
 */
import { byId } from './dom.js';

async function describeAccount() {
  const response = await fetch('/auth/me', { credentials: 'same-origin', headers: { Accept: 'application/json' } });
  if (!response.ok || !response.headers.get('Content-Type')?.includes('json')) return;
  const { switch_url: address, signed_in: signedIn, name } = await response.json();
  const account = byId('account');
  const link =
    typeof address === 'string' && URL.canParse(address, location.href) ? new URL(address, location.href) : null;
  if (typeof name === 'string' && account.dataset.kind === 'registered') {
    const label = account.querySelector('.account-name');
    if (label) label.textContent = name;
  }
  if (link?.origin !== location.origin) return;
  const anchor = document.createElement('a');
  anchor.href = link.href;
  anchor.textContent = signedIn ? 'Switch user' : 'Sign in';
  account.append(anchor);
}

describeAccount().catch((error) => {
  // The page works without the link.
  console.info('There is no sign-in service:', error);
});
