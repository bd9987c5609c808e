// @ts-check
/**
 * Who is signed in is written by the server. Where the platform says how to be somebody else (the local platform's
 * `/auth/me`), the name becomes a link to that; elsewhere there is no such address and nothing is added.
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
  // The page is whole without it.
  console.info('No sign-in service here:', error);
});
