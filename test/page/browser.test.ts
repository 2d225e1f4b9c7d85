import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAdminListener } from '../../src/http/admin.ts';
import type { Listener } from '../../src/http/listener.ts';
import { createMetrics } from '../../src/http/metrics.ts';
import { silentLog } from '../../src/log.ts';
import { servePage } from '../../src/page/page.ts';
import { passFor } from '../../src/page/pass.ts';
import { alertLevels } from '../../src/store/store.ts';
import { statusReport, stockReport } from '../../src/sync/status.ts';
import { makeWorld, type World } from '../sync/world.ts';

/** Debian's; where it is not installed these tests are skipped. */
const chromiumPath = '/usr/bin/chromium';
const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const token = '0123456789abcdef0123456789abcdef';
const hostile = '<img src=x onerror=alert(1)>';
const places = ['/', '/sku', '/sku/MUG-BLK', `/sku/${encodeURIComponent(hostile)}`, '/drift', '/attention'];
const sizes = [
  { width: 390, height: 844 },
  { width: 1280, height: 800 },
];

describe.skipIf(!existsSync(chromiumPath))('the page in a browser', () => {
  let world: World;
  let listener: Listener;
  let browser: Browser;
  /** Whoever comes is taken for somebody from outside. */
  let outside = false;

  beforeAll(async () => {
    world = await makeWorld();
    await world.stock('MUG-BLK', 7);
    await world.stock(hostile, 3);
    await world.store.duties.raiseAlert(
      { channelId: null, kind: 'oversell', subject: 'shop 1', message: `order 1 wants 2 more of ${hostile}` },
      world.clock.now(),
    );
    const { store, clock } = world;
    const status = () => statusReport(store, { running: true, since: null, version: '1' }, clock.now());
    listener = createAdminListener(
      {
        clock,
        log: silentLog,
        reservations: store.reservations,
        hasChannel: () => true,
        moved: () => undefined,
        broken: () => null,
        ready: async () => ({ ready: true, checks: [] }),
        status,
        stock: (sku) => stockReport({ store }, sku),
        alerts: async () => ({ alerts: [] }),
        metrics: createMetrics(async () => []),
        page: (ask, caller) => {
          const local = caller.local && !outside;
          return servePage({ store, clock, token, levels: alertLevels, status }, ask, { ...caller, local });
        },
      },
      { host: '127.0.0.1', port: 0, token },
    );
    await listener.start();
    browser = await chromium.launch({ executablePath: chromiumPath, args: quiet });
  });
  afterAll(async () => {
    await browser.close();
    await listener.stop();
    await world.close();
  });

  async function look<T>(
    at: { width: number; height: number },
    options: { colorScheme?: 'light' | 'dark'; javaScriptEnabled?: boolean },
    use: (page: Page, faults: string[]) => Promise<T>,
  ): Promise<T> {
    const context = await browser.newContext({ viewport: at, ...options });
    const page = await context.newPage();
    const faults: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) faults.push(message.text());
    });
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('dialog', (dialog) => {
      faults.push(`dialog ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(listener.url)) faults.push(`asked ${request.url()}`);
    });
    try {
      return await use(page, faults);
    } finally {
      await context.close();
    }
  }

  test.each(sizes)(
    'fits $width pixels, in light and in dark, without a fault and with enough contrast',
    async (size) => {
      for (const colorScheme of ['light', 'dark'] as const)
        await look(size, { colorScheme }, async (page, faults) => {
          for (const place of places) {
            await page.goto(`${listener.url}${place}`);
            const wide = await page.evaluate('document.documentElement.scrollWidth');
            expect(wide, place).toBeLessThanOrEqual(size.width);
            expect(await page.evaluate(faintTexts), `${place} in ${colorScheme}`).toEqual([]);
            expect((await page.screenshot()).length).toBeGreaterThan(5_000);
          }
          expect(faults).toEqual([]);
        });
    },
  );

  test('can be walked by keyboard: skip link, menu, search, a SKU', async () => {
    await look(sizes[1] ?? { width: 0, height: 0 }, {}, async (page, faults) => {
      await page.goto(listener.url);
      const focused = () => page.evaluate('document.activeElement?.textContent');
      await page.keyboard.press('Tab');
      expect(await focused()).toBe('Skip to the content');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Tab');
      expect(await focused()).toBe('SKUs');
      await page.keyboard.press('Enter');
      await page.waitForURL('**/sku');
      await page.locator('#search').focus();
      await page.keyboard.type('mug');
      await page.keyboard.press('Enter');
      await page.waitForURL('**/sku?search=mug');
      expect(await page.locator('tbody tr').count()).toBe(1);
      await page.locator('tbody a').focus();
      await page.keyboard.press('Enter');
      await page.waitForURL('**/sku/MUG-BLK');
      expect(await page.locator('h1').textContent()).toBe('MUG-BLK');
      expect(faults).toEqual([]);
    });
  });

  test('shows a new number by itself, and keeps the focus where it was', async () => {
    await look(sizes[0] ?? { width: 0, height: 0 }, {}, async (page, faults) => {
      await page.clock.install();
      await page.goto(`${listener.url}/sku/MUG-BLK`);
      await page.locator('#to-SKUs').focus();
      await world.stock('MUG-BLK', 11);
      await page.clock.runFor(10_000);
      await page.getByText('Why it is 11').waitFor();
      expect(await page.evaluate('document.activeElement?.id')).toBe('to-SKUs');
      expect(faults).toEqual([]);
    });
  });

  test('says so when invsync does not answer any more', async () => {
    await look(sizes[0] ?? { width: 0, height: 0 }, {}, async (page) => {
      await page.clock.install();
      await page.goto(listener.url);
      await page.route('**/*', (route) => route.abort());
      await page.clock.runFor(10_000);
      await page.getByText('invsync does not answer').waitFor();
    });
  });

  test('works without scripts', async () => {
    await look(sizes[0] ?? { width: 0, height: 0 }, { javaScriptEnabled: false }, async (page) => {
      await page.goto(listener.url);
      await page.getByRole('link', { name: 'Attention' }).click();
      expect(await page.locator('main').textContent()).toContain(`order 1 wants 2 more of ${hostile}`);
    });
  });

  test('opens from outside by a link, by whose cookie the rest of the page is reached', async () => {
    outside = true;
    try {
      await look(sizes[1] ?? { width: 0, height: 0 }, {}, async (page) => {
        await page.goto(listener.url);
        expect(await page.locator('h1').textContent()).toBe('A link is needed');
        await page.goto(`${listener.url}/login?pass=${passFor(token, world.clock.now() + 3_600_000)}`);
        await page.getByRole('heading', { name: 'Overview' }).waitFor();
        await page.getByRole('link', { name: 'SKUs' }).click();
        await page.getByRole('heading', { name: 'SKUs' }).waitFor();
        expect(await page.evaluate('document.cookie')).toBe('');
      });
    } finally {
      outside = false;
    }
  });
});

/** What the browser runs: texts whose contrast with what lies behind them is below 4.5. */
const faintTexts = `(() => {
  const numbers = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
  const light = (color) => {
    const [r = 0, g = 0, b = 0] = numbers(color).map((value) => {
      const share = value / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if ((numbers(color)[3] ?? 1) > 0) return color;
    }
    return 'rgb(255,255,255)';
  };
  return [...document.querySelectorAll('main *, header *')].flatMap((element) => {
    const own = [...element.childNodes].some(
      (node) => node.nodeType === 3 && node.textContent?.trim() !== '',
    );
    if (!own || element.closest('svg') !== null) return [];
    const [a, b] = [light(getComputedStyle(element).color), light(behind(element))].sort((x, y) => y - x);
    const contrast = ((a ?? 0) + 0.05) / ((b ?? 0) + 0.05);
    return contrast < 4.5 ? [element.textContent.slice(0, 40) + ': ' + contrast.toFixed(2)] : [];
  });
})()`;
