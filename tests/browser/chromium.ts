import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge'];
const flags = [
  // In containers there is neither; the pages under test are our own.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  // The browser's own talk with its maker.
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

/** The Chromium of this machine: the variable CHROMIUM, or the first that is on PATH. */
export function findChromium(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = env['CHROMIUM'];
  if (named) return named;
  const directories = (env['PATH'] ?? '').split(delimiter).filter(Boolean);
  return names.flatMap((name) => directories.map((directory) => join(directory, name))).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch (error) {
    if (['ENOENT', 'EACCES', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: flags });
}

export interface FreshProfile {
  /** A profile that has never been anywhere; closed at the end of the test. */
  profile(options?: BrowserContextOptions): Promise<BrowserContext>;
}

/**
 * A suite in a real Chromium. Every profile is cut off from all hosts but this machine, and a test in which anything
 * asked for another host fails. Without a Chromium the suite is skipped, loudly; in CI that is a failure.
 */
export function describeInChromium(name: string, body: (browser: FreshProfile) => void): void {
  const executable = findChromium();
  if (!executable) {
    const remedy = 'No Chromium found. Install it (apt-get install chromium) or name it in the variable CHROMIUM.';
    if (process.env['CI']) {
      describe(name, () => it('needs a Chromium', () => expect.fail(remedy)));
      return;
    }
    process.stderr.write(`\n  SKIPPED: ${name}. ${remedy}\n\n`);
    describe.skip(name, () => body({ profile: () => Promise.reject(new Error(remedy)) }));
    return;
  }

  describe(name, () => {
    let browser: Browser;
    let contexts: BrowserContext[] = [];
    let strangers: string[] = [];

    beforeAll(async () => {
      browser = await launchChromium(executable);
    });
    beforeEach(() => {
      contexts = [];
      strangers = [];
    });
    afterEach(async () => {
      await Promise.all(contexts.map((context) => context.close()));
      expect(strangers, 'requests to other hosts').toEqual([]);
    });
    afterAll(async () => {
      await browser?.close();
    });

    body({
      async profile(options = {}) {
        // A service worker's requests would pass the blockade unseen.
        const context = await browser.newContext({ serviceWorkers: 'block', ...options });
        contexts.push(context);
        await blockOtherHosts(context, (address) => strangers.push(address));
        return context;
      },
    });
  });
}

/** Lets a profile talk to this machine only; what it asked of others is refused and told. */
export async function blockOtherHosts(context: BrowserContext, tell: (address: string) => void): Promise<void> {
  await context.route('**/*', (route) => {
    const address = route.request().url();
    if (isThisMachine(address)) return route.continue();
    tell(address);
    return route.abort('blockedbyclient');
  });
  await context.routeWebSocket(
    (address) => !isThisMachine(address.href),
    (socket) => {
      tell(socket.url());
      return socket.close();
    },
  );
}

function isThisMachine(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return ['data:', 'blob:', 'about:'].includes(protocol) || ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
}
