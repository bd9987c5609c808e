import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import express, { type Request, type Response, type Router } from 'express';

const contentTypes: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

interface Asset {
  content: Buffer;
  contentType: string;
  etag: string;
}

export interface Assets {
  /** A hash of all files. The URL of each asset contains the version, so that browsers can cache the files permanently. */
  readonly version: string;
  /** Serves `/{version}/{file}`. */
  readonly router: Router;
}

/** Reads the styles and scripts of the pages into memory, so that requests do not read files. */
export function loadAssets(directory = join(import.meta.dirname, 'assets')): Assets {
  const assets = new Map<string, Asset>();
  const all = createHash('sha256');
  for (const name of readdirSync(directory).sort()) {
    const contentType = contentTypes[extname(name)];
    if (!contentType) continue;
    const content = readFileSync(join(directory, name));
    const hash = createHash('sha256').update(content).digest('hex');
    all.update(`${name}\n${hash}\n`);
    assets.set(name, { content, contentType, etag: `"${hash.slice(0, 32)}"` });
  }
  const version = all.digest('hex').slice(0, 16);

  const router = express.Router();
  router.get('/:version/:file', (req: Request, res: Response, next) => {
    const asset = assets.get(String(req.params['file']));
    if (!asset) return next();
    // During a rolling update, a browser may request the version of another replica. The response is the file of this
    // replica, which the browser must not cache.
    const current = req.params['version'] === version;
    res.set('Cache-Control', current ? 'public, max-age=31536000, immutable' : 'no-cache');
    res.set('ETag', asset.etag);
    res.set('X-Content-Type-Options', 'nosniff');
    res.type(asset.contentType).send(asset.content);
  });
  return { version, router };
}
