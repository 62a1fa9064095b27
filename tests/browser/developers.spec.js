// The developers' pages of the gateway's own binary.

import { AxeBuilder } from "@axe-core/playwright";
import { LOOKS, expect, screenshot, test } from "./browser.js";
import { startGateway } from "./gateway.js";

const PAGES = [
  "/developers",
  "/developers/api-reference",
  "/developers/api-reference/simple-s2s",
  "/developers/api-reference/encrypted-requests",
  "/developers/api-reference/net-banking-wallets-upi",
  "/developers/api-reference/status-query",
  "/developers/api-reference/refunds",
  "/developers/webhooks",
  "/developers/webhook-calls",
  "/developers/event-types",
  "/developers/return-url",
  "/developers/customer-pages",
  "/developers/status-codes",
  "/developers/errors",
  "/developers/test-data",
];

let gateway;

test.beforeAll(async () => {
  gateway = await startGateway();
});

test.afterAll(async () => {
  await gateway?.stop();
});

test.beforeEach(({ ownOrigins }) => {
  ownOrigins.add(gateway.url);
});

/** Best practices, and the size of targets, which axe does not look at by itself. */
async function expectAccessible(page) {
  const axe = new AxeBuilder({ page }).options({ rules: { "target-size": { enabled: true } } });
  const { violations } = await axe.analyze();
  const told = violations.map(
    ({ id, help, nodes }) => `${id}: ${help}\n${nodes.map((node) => `  ${node.html}`).join("\n")}`,
  );
  expect(told).toEqual([]);
}

async function expectNothingSticksOut(page) {
  const sideways = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth - clientWidth;
  });
  expect(sideways).toBe(0);
}

test("the list of pages is complete", async ({ page }) => {
  await page.goto(`${gateway.url}/developers`);
  const links = page.locator(".rail a");
  const paths = await links.evaluateAll((all) => all.map((link) => link.getAttribute("href")));
  expect(paths).toEqual(PAGES);
});

for (const { look, ...use } of LOOKS) {
  test.describe(look, () => {
    test.use(use);
    for (const path of PAGES) {
      test(path, async ({ page }) => {
        await page.goto(`${gateway.url}${path}`);
        await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
        await expectAccessible(page);
        await expectNothingSticksOut(page);
        await screenshot(page, `${path.slice(1).replaceAll("/", "-")}-${look}`);
      });
    }
  });
}

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false, viewport: { width: 320, height: 640 } });

  test("the menu opens and a language is chosen", async ({ page }) => {
    await page.goto(`${gateway.url}/developers/api-reference/simple-s2s`);
    await page.getByText("Menu", { exact: true }).click();
    await expect(page.locator(".drawer").getByRole("link", { name: "Errors" })).toBeVisible();
    await page.getByText("Python", { exact: true }).click();
    await expect(page.getByLabel("Python sample")).toBeVisible();
    await expect(page.getByLabel("curl sample")).toBeHidden();
  });
});

test("the choice of a language is remembered, and a sample is copied", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.goto(`${gateway.url}/developers/api-reference/simple-s2s`);
  await page.getByText("Node", { exact: true }).click();
  await page.goto(`${gateway.url}/developers/webhooks`);
  // A page with two sets of samples: both follow the choice.
  const sample = page.getByLabel("Node sample, verify_webhook/node.mjs");
  await expect(sample).toBeVisible();
  await expect(page.getByLabel("Node sample, decrypt_webhook/node.mjs")).toBeVisible();
  await page.getByRole("button", { name: "Copy verify_webhook/node.mjs" }).click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toBe(await sample.textContent());
});

test("a keyboard reaches the content", async ({ page }) => {
  await page.goto(`${gateway.url}/developers`);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator("main")).toBeFocused();
});
