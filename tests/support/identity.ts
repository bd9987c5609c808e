import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { pino } from 'pino';
import { loadConfig } from '../../src/config/load.ts';
import { ApiError } from '../../src/errors.ts';
import { createIdentity, type Identified, type Identify } from '../../src/identity/identify.ts';
import { Deadline } from '../../src/lib/deadline.ts';
import { loopbackHttp } from './outbound-http.ts';

export const issuer = 'https://idp.example.org/auth/realms/Renku';
export const audience = 'notebook-sessions';
export const person = {
  sub: 'f:1234:john',
  preferred_username: 'john.doe',
  email: 'john@example.org',
  name: 'John Doe',
};

type Keys = Awaited<ReturnType<typeof generateKeyPair>>;

/** An identity provider: signs tokens, and publishes its keys over HTTP. */
export interface Issuer {
  readonly keys: Keys;
  /** Keys that are not published. */
  readonly foreign: Keys;
  readonly url: string;
  requests: number;
  /** Sends another response than the keys. */
  override: ((respond: (status: number, body: string) => void) => void) | undefined;
  sign(claims: Record<string, unknown>, options?: { key?: Keys; kid?: string }): Promise<string>;
  close(): void;
}

export async function startIssuer(): Promise<Issuer> {
  const keys = await generateKeyPair('RS256', { extractable: true });
  const published = JSON.stringify({
    keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }],
  });
  const server: Server = createServer((_req, res) => {
    self.requests++;
    const respond = (status: number, body: string) =>
      res.writeHead(status, { 'content-type': 'application/json' }).end(body);
    if (self.override) self.override(respond);
    else respond(200, published);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const self: Issuer = {
    keys,
    foreign: await generateKeyPair('RS256'),
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`,
    requests: 0,
    override: undefined,
    sign: (claims, { key = keys, kid = 'one' } = {}) =>
      new SignJWT({ iss: issuer, aud: audience, exp: Math.floor(Date.now() / 1000) + 300, ...person, ...claims })
        .setProtectedHeader({ alg: 'RS256', kid })
        .sign(key.privateKey),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return self;
}

export function identityWith(jwksUrl: string, env: Record<string, string> = {}): Identify {
  const { config } = loadConfig({
    NB_SESSIONS__INGRESS__HOST: 'sessions.example.org',
    NB_GIT__URL: 'https://gitlab.example.org',
    NB_ANONYMOUS_SESSIONS_ENABLED: 'true',
    NB_IDENTITY__COOKIE_SECRET: 'a secret of more than 32 bytes, for tests',
    NB_IDENTITY__GATEWAY: 'verified',
    NB_IDENTITY__ISSUER: issuer,
    NB_IDENTITY__AUDIENCE: audience,
    NB_IDENTITY__JWKS_URL: jwksUrl,
    ...env,
  });
  return createIdentity({ config, http: loopbackHttp(), log: pino({ level: 'silent' }) });
}

export const credentials = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64');
export const gitLab = { AuthorizationHeader: 'bearer git-token', AccessTokenExpiresAt: 1_900_000_000 };

/** Returns the headers that a gateway adds for a registered user. */
export function headersWith(idToken: string, more: IncomingHttpHeaders = {}): IncomingHttpHeaders {
  return {
    'renku-auth-access-token': 'access',
    'renku-auth-id-token': idToken,
    'renku-auth-refresh-token': 'refresh',
    'renku-auth-git-credentials': credentials({ 'https://gitlab.example.org': gitLab }),
    ...more,
  };
}

export const identifyCaller = (
  identify: Identify,
  headers: IncomingHttpHeaders,
  socket: object = {},
): Promise<Identified> => identify({ headers, socket: socket as never }, Deadline.after(60_000));

/** Returns the error with which these headers are rejected. Throws if they are accepted. */
export async function rejection(identify: Identify, headers: IncomingHttpHeaders): Promise<ApiError> {
  const error: unknown = await identifyCaller(identify, headers).then(
    ({ identity }) => new Error(`the caller was identified as ${identity.kind} ${identity.id}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof ApiError)) throw error;
  return error;
}

export const fieldsOf = (error: ApiError): string[] => (error.fields ?? []).map(({ path }) => path);
