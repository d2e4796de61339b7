/** A real browser, without a network, for the page that `passinglane view` makes. */
import { chromium, type Browser, type Page } from 'playwright-core';
import { findProgram } from './child.js';

const program = (): string | undefined => findProgram('chromium') ?? findProgram('chromium-browser');

/** The `skip` of a test that needs Chromium; see `skipWithout` for the peers. */
export function skipWithoutChromium(): string | false {
  if (process.env['PASSINGLANE_INTEROP_REQUIRED'] === '1') return false;
  return program() === undefined ? 'chromium is not installed' : false;
}

export async function startChromium(): Promise<Browser> {
  const executablePath = program();
  if (executablePath === undefined) throw new Error('chromium is not installed');
  // Containers run as root, which Chromium's sandbox refuses; the pages are our own.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

export interface OpenPage {
  readonly page: Page;
  /** What the page complained of: console errors, exceptions, dialogs. */
  readonly complaints: readonly string[];
  /** What it asked for, itself apart. */
  readonly requests: readonly string[];
}

/** Opens a file in a window of 1,280 by 800 with no network. */
export async function openOffline(
  browser: Browser,
  file: string,
  colorScheme: 'light' | 'dark' = 'light',
): Promise<OpenPage> {
  const context = await browser.newContext({ offline: true, colorScheme, viewport: { width: 1_280, height: 800 } });
  const page = await context.newPage();
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => {
    if (message.type() !== 'log') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (!request.isNavigationRequest()) requests.push(request.url());
  });
  await page.goto(`file://${file}`);
  return { page, complaints, requests };
}
