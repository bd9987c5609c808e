import { randomBytes } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';

/** What the holder of a token may do; nothing but pulling is ever granted. */
interface Access {
  type: 'repository';
  name: string;
  actions: ['pull'];
}

export interface PullTokens {
  /** A token (a JWT as the distribution project's token specification has it) for pulling these repositories. */
  issue(repositories: readonly string[]): Promise<string>;
  /** The repositories that the token's holder may pull; undefined for a token that is not (or no longer) valid. */
  repositoriesOf(token: string): Promise<readonly string[] | undefined>;
  /** Seconds that a token is good for. */
  readonly lifetime: number;
}

const algorithm = 'HS256';

/** Signed with a key that lives as long as this process: whoever gives them out is whoever takes them. */
export function createPullTokens({
  service,
  lifetime = 300,
  now = Date.now,
}: {
  /** The registry that the tokens are for. */
  service: string;
  lifetime?: number;
  now?: () => number;
}): PullTokens {
  const key = randomBytes(32);
  return {
    lifetime,
    issue(repositories) {
      const access = repositories.map((name): Access => ({ type: 'repository', name, actions: ['pull'] }));
      const issued = Math.floor(now() / 1000);
      return new SignJWT({ access })
        .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
        .setIssuer(service)
        .setAudience(service)
        .setIssuedAt(issued)
        .setExpirationTime(issued + lifetime)
        .sign(key);
    },
    async repositoriesOf(token) {
      try {
        const { payload } = await jwtVerify<{ access: Access[] }>(token, key, {
          algorithms: [algorithm],
          issuer: service,
          audience: service,
          currentDate: new Date(now()),
        });
        return payload.access.map(({ name }) => name);
      } catch (error) {
        if (error instanceof errors.JOSEError) return undefined;
        throw error;
      }
    },
  };
}
