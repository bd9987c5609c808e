import { Jupyter } from '../support/jupyter.ts';
import type { UserName } from './backends.ts';
import type { Session } from './caller.ts';
import { platform } from './platform.ts';

/** Returns Jupyter at the public address of a session, called with an access token of its owner. */
export async function jupyterOfOwner({ url }: Session, owner: UserName): Promise<Jupyter> {
  const { issuer } = platform().backends;
  const response = await fetch(`${issuer}/id-token?user=${owner}&audience=renku`);
  return new Jupyter(url.replace(/[/?]*$/, ''), {
    Authorization: `Bearer ${await response.text()}`,
    Cookie: '_xsrf=abcdef12',
    'X-XSRFToken': 'abcdef12',
  });
}
