import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge'];
const flags = [
  // Containers have no sandbox and no GPU. The pages under test are trusted.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  // Requests of the browser itself to other hosts.
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

/** Time limit for one step of a browser, on a busy machine. */
const patienceMs = 90_000;

/** Returns the path of Chromium: from the variable CHROMIUM, or the first one on PATH. */
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
  return chromium.launch({ executablePath, args: flags, timeout: patienceMs });
}

export interface FreshProfile {
  /** Returns a new, empty profile. It is closed at the end of the test. */
  profile(options?: BrowserContextOptions): Promise<BrowserContext>;
}

/**
 * Declares a suite that runs in a real Chromium. A profile can reach only this machine, and a test fails if anything
 * requested another host. Without Chromium the suite is skipped with a message; in CI it fails.
 */
export function describeInChromium(name: string, body: (browser: FreshProfile) => void): void {
  const executable = findChromium();
  if (!executable) {
    const remedy = 'No Chromium found. Install it (apt-get install chromium) or name it in the variable CHROMIUM.';
    if (process.env['CI']) {
      describe(name, () => it('needs Chromium', () => expect.fail(remedy)));
      return;
    }
    process.stderr.write(`\n  SKIPPED: ${name}. ${remedy}\n\n`);
    describe.skip(name, () => body({ profile: () => Promise.reject(new Error(remedy)) }));
    return;
  }

  describe(name, () => {
    let browser: Browser;
    let contexts: BrowserContext[] = [];
    let otherHosts: string[] = [];

    beforeAll(async () => {
      browser = await launchChromium(executable);
    });
    beforeEach(() => {
      contexts = [];
      otherHosts = [];
    });
    afterEach(async () => {
      await Promise.all(contexts.map((context) => context.close()));
      expect(otherHosts, 'requests to other hosts').toEqual([]);
    });
    afterAll(async () => {
      await browser?.close();
    });

    body({
      async profile(options = {}) {
        // The routes below do not see the requests of a service worker.
        const context = await browser.newContext({ serviceWorkers: 'block', ...options });
        context.setDefaultTimeout(patienceMs);
        contexts.push(context);
        await blockOtherHosts(context, (address) => otherHosts.push(address));
        return context;
      },
    });
  });
}

/** Aborts the requests of a profile to other hosts than this machine, and calls `report` with their addresses. */
export async function blockOtherHosts(context: BrowserContext, report: (address: string) => void): Promise<void> {
  await context.route('**/*', (route) => {
    const address = route.request().url();
    if (isThisMachine(address)) return route.continue();
    report(address);
    return route.abort('blockedbyclient');
  });
  await context.routeWebSocket(
    (address) => !isThisMachine(address.href),
    (socket) => {
      report(socket.url());
      return socket.close();
    },
  );
}

function isThisMachine(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return ['data:', 'blob:', 'about:'].includes(protocol) || ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
}
