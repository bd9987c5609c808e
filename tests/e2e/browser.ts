import type { Browser } from 'playwright-core';
import { findChromium, launchChromium } from '../browser/chromium.ts';

/** Starts Chromium. Throws if it is not installed: on a machine that runs this lane, it can be. */
export async function openBrowser(): Promise<Browser> {
  const executable = findChromium();
  if (executable === undefined) throw new Error('Chromium is missing. Install it: apt-get install chromium');
  return launchChromium(executable);
}
