import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { text } from 'node:stream/consumers';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

export interface OidcUser {
  readonly sub: string;
  readonly preferred_username: string;
  readonly name: string;
  readonly email: string;
}

/** An identity provider (OpenID Connect) that signs users in without a password. */
export interface OidcProvider {
  readonly issuer: string;
  close(): Promise<void>;
}

interface Options {
  readonly address: string;
  readonly port: number;
  readonly host: string;
  readonly tls: { readonly key: string; readonly cert: string };
  readonly users: readonly OidcUser[];
}

/**
 * Starts an identity provider. Besides the standard endpoints it has `/sign-in?user=NAME`, after which a browser is that user
 * (by a cookie), and `/id-token?user=NAME&audience=...`, the ID token that a gateway adds to the requests of that user.
 */
export async function startOidcProvider({ address, port, host, tls, users }: Options): Promise<OidcProvider> {
  const issuer = `https://${host}:${port}`;
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const kid = randomBytes(8).toString('hex');
  const keys = [{ ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' }];
  const codes = new Map<string, { user: OidcUser; audience: string; nonce: string | null }>();

  const sign = (user: OidcUser, audience: string, nonce: string | null = null) =>
    new SignJWT({ ...user, email_verified: true, ...(nonce === null ? {} : { nonce }) })
      .setProtectedHeader({ alg: 'RS256', kid })
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(privateKey);

  const userNamed = (name: string | null | undefined): OidcUser => {
    const user = users.find((each) => each.preferred_username === name);
    if (!user) throw new Error(`no such user: ${name}`);
    return user;
  };

  async function respond(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { pathname, searchParams: query } = new URL(req.url ?? '/', issuer);
    const json = (body: object, status = 200) =>
      res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    switch (pathname) {
      case '/.well-known/openid-configuration':
        json({
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          jwks_uri: `${issuer}/keys`,
          response_types_supported: ['code'],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: ['RS256'],
        });
        return;
      case '/keys':
        json({ keys });
        return;
      case '/sign-in':
        res.setHeader('set-cookie', `user=${userNamed(query.get('user')).preferred_username}; Secure; HttpOnly`);
        res.end('signed in');
        return;
      case '/id-token':
        res.end(await sign(userNamed(query.get('user')), query.get('audience') ?? ''));
        return;
      case '/authorize': {
        const code = randomBytes(16).toString('hex');
        const user = userNamed(/(?:^|; )user=([^;]+)/.exec(req.headers.cookie ?? '')?.[1]);
        codes.set(code, { user, audience: query.get('client_id') ?? '', nonce: query.get('nonce') });
        const back = new URL(query.get('redirect_uri') ?? '');
        back.searchParams.set('code', code);
        back.searchParams.set('state', query.get('state') ?? '');
        res.writeHead(302, { location: back.href }).end();
        return;
      }
      case '/token': {
        const code = new URLSearchParams(await text(req)).get('code') ?? '';
        const grant = codes.get(code);
        codes.delete(code);
        if (!grant) {
          json({ error: 'invalid_grant' }, 400);
          return;
        }
        const idToken = await sign(grant.user, grant.audience, grant.nonce);
        json({
          access_token: randomBytes(16).toString('hex'),
          token_type: 'Bearer',
          expires_in: 3600,
          id_token: idToken,
        });
        return;
      }
      default:
        json({ error: 'not_found' }, 404);
    }
  }

  const server = createServer(tls, (req, res) => {
    respond(req, res).catch((error: unknown) => res.writeHead(400).end(String(error)));
  }).listen(port, address);
  await once(server, 'listening');
  return {
    issuer,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
