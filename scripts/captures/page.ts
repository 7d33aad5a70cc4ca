import path from 'node:path';
import { chromium } from 'playwright-core';
import { makeFleet } from '../../test/support/fleet.ts';
import { serveProcess } from '../../test/support/serve-process.ts';

/** Debian's. */
export const CHROMIUM = '/usr/bin/chromium';

/** Looks at the page of a served depot as a person does. @returns the files */
export async function shootPage(to: string): Promise<string[]> {
  const fleet = await makeFleet(Date.now());
  const server = await serveProcess(fleet.sandbox.depot);
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
    await page.goto(`${server.url}/`);
    await page.getByLabel('Token').fill(fleet.token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('navigation', { name: 'Views' }).waitFor();
    await page.locator('main').getByText('On the move').first().waitFor();
    const file = path.join(to, 'page-overview.png');
    await page.screenshot({ path: file });
    return [file];
  } finally {
    await browser.close();
    await server.end('SIGTERM');
    fleet.sandbox.remove();
  }
}
