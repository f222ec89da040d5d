// Chromium as Debian has it, driven through playwright-core, which comes without a browser of its own.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import axe from 'axe-core';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { ownNetwork } from './own-network.ts';

const BINARIES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Longer than anything takes on a machine that does many things. */
const PATIENCE_MS = 180_000;

/** Why there is none; undefined where there is one. */
export function missingBrowser(): string | undefined {
  return BINARIES.some((file) => existsSync(file)) ? undefined : 'Chromium (apt install chromium)';
}

/** @param ports of this machine that it can reach, at the same addresses of its loopback */
export async function startBrowser(ports: readonly number[]): Promise<Browser> {
  const program = BINARIES.find((file) => existsSync(file)) ?? '';
  const network = await ownNetwork(program, ports);
  const browser = await chromium.launch({
    executablePath: network?.executable ?? program,
    // Tests run as root in a container, where its sandbox cannot be set up.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
    timeout: PATIENCE_MS,
  });
  browser.once('disconnected', () => network?.close());
  return browser;
}

/** A tab of its own, and all that went wrong in it: errors of scripts, and what the policy of the page kept from happening. */
export interface WatchedPage {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly problems: string[];
  /** Addresses that were asked for. */
  readonly requests: string[];
}

export async function openTab(
  browser: Browser,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<WatchedPage> {
  // The authority of the server is of its own making.
  const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const problems: string[] = [];
  const requests: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    // What a server refuses a browser writes down itself, whoever asked.
    if (message.type() === 'error' && !/Failed to load resource|WebSocket/.test(message.text()))
      problems.push(message.text());
  });
  page.on('request', (request) => requests.push(request.url()));
  return { page, context, problems, requests };
}

interface AxeResults {
  readonly violations: readonly {
    readonly id: string;
    readonly help: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
  }[];
}

/** Fails with each rule of accessibility that the page breaks as it is now, and where. */
export async function assertAccessible(page: Page): Promise<void> {
  // Not as an element of the page: its policy lets no script of others in.
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate(
    `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] })`,
  )) as AxeResults;
  const found = violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}\n${nodes.map(({ html, failureSummary }) => `  ${html}\n  ${failureSummary ?? ''}`).join('\n')}`,
  );
  assert.deepEqual(found, []);
}
