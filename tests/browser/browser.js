// What every test needs: a page that fails the test when it misbehaves, axe, and screenshots.

import { AxeBuilder } from "@axe-core/playwright";
import { test as base, expect } from "@playwright/test";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const SCREENSHOTS = fileURLToPath(new URL("../../test-output/screenshots/", import.meta.url));
mkdirSync(SCREENSHOTS, { recursive: true });

const NARROW = { width: 320, height: 640 };
const DESKTOP = { width: 1280, height: 800 };

/** Both widths in both themes. */
export const LOOKS = [
  { look: "320-light", viewport: NARROW, colorScheme: "light" },
  { look: "320-dark", viewport: NARROW, colorScheme: "dark" },
  { look: "desktop-light", viewport: DESKTOP, colorScheme: "light" },
  { look: "desktop-dark", viewport: DESKTOP, colorScheme: "dark" },
];

/**
 * `ownOrigins` are what a page may talk to. `expectedStatus` is an answer that the browser reports
 * on its console as an error, although the test asks for it.
 */
export const test = base.extend({
  ownOrigins: async ({}, use) => {
    await use(new Set());
  },
  expectedStatus: [0, { option: true }],
  page: async ({ page, ownOrigins, expectedStatus }, use) => {
    const misdeeds = [];
    // Of every tab that the customer opens.
    const context = page.context();
    context.on("console", (message) => {
      // A content security policy speaks through the console too.
      if (!["error", "warning"].includes(message.type())) return;
      if (expectedStatus && message.text().includes(`status of ${expectedStatus}`)) return;
      misdeeds.push(message.text());
    });
    context.on("weberror", (error) => misdeeds.push(String(error.error())));
    context.on("request", (request) => {
      const url = new URL(request.url());
      if (url.protocol === "data:") return;
      if (!ownOrigins.has(url.origin)) misdeeds.push(`third party: ${url.origin}`);
    });
    await use(page);
    expect(misdeeds).toEqual([]);
  },
});

export { expect };

/** No violation of any rule, best practices included. */
export async function expectAccessible(page) {
  await page.waitForLoadState();
  const { violations } = await new AxeBuilder({ page }).analyze();
  const told = violations.map(
    ({ id, help, nodes }) => `${id}: ${help}\n${nodes.map((node) => `  ${node.html}`).join("\n")}`,
  );
  expect(told).toEqual([]);
}

/** Nothing sticks out sideways, and what is pressed is large enough (WCAG 2.2, 2.5.8 and 1.4.10). */
export async function expectFits(page) {
  // A page that has just come may not have its style yet.
  await page.waitForLoadState();
  const { sideways, small } = await page.evaluate(() => ({
    sideways: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    small: [...document.querySelectorAll("a, button, input, summary")]
      .filter((element) => element.checkVisibility() && element.type !== "hidden")
      .map((element) => [element.outerHTML, element.getBoundingClientRect()])
      .filter(([, box]) => box.height < 44 || box.width < 44)
      .map(([html]) => html),
  }));
  expect(sideways).toBe(0);
  expect(small).toEqual([]);
}

export async function screenshot(page, name) {
  await page.waitForLoadState();
  await page.screenshot({ path: `${SCREENSHOTS}${name}.png`, fullPage: true, animations: "disabled" });
}
