// Every template in every state, with sample data.

import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { LOOKS, expect, expectAccessible, expectFits, screenshot, test } from "./browser.js";
import { start } from "./process.js";

const PREVIEW =
  process.env.PAGES_PREVIEW ??
  fileURLToPath(new URL("../../target/debug/examples/pages_preview", import.meta.url));
const SAMPLES = [
  "challenge",
  "challenge-wrong",
  "challenge-empty",
  "challenge-unavailable",
  "challenge-live",
  "challenge-long",
  "confirming",
  "result-approved",
  "result-approved-live",
  "result-approved-long",
  "result-declined",
  "result-expired",
  "result-cancelled",
  "result-failed",
  "result-partly-refunded",
  "result-refunding",
  "result-refunded",
  "result-reversed",
  "result-pending",
  "not-found",
  "too-many",
  "cross-site",
  "too-large",
  "trouble",
];

let preview;

test.beforeAll(async () => {
  if (!existsSync(PREVIEW)) {
    throw new Error(`${PREVIEW} is not there: cargo build -p web --example pages_preview`);
  }
  preview = await start(PREVIEW, []);
});

test.afterAll(async () => {
  await preview?.stop();
});

test.beforeEach(({ ownOrigins }) => {
  ownOrigins.add(preview.url);
});

test("the list of samples is complete", async ({ page }) => {
  await page.goto(preview.url);
  const names = await page.getByRole("link").allTextContents();
  expect(names.sort()).toEqual([...SAMPLES].sort());
});

for (const { look, ...use } of LOOKS) {
  test.describe(look, () => {
    test.use(use);
    for (const name of SAMPLES) {
      test(name, async ({ page }) => {
        await page.goto(`${preview.url}/${name}`);
        await expectAccessible(page);
        await expectFits(page);
        await screenshot(page, `sample-${name}-${look}`);
      });
    }
  });
}

test.describe("the smallest challenge window", () => {
  test.use({ viewport: { width: 250, height: 400 } });
  for (const name of ["challenge", "challenge-wrong", "challenge-long", "result-approved"]) {
    test(name, async ({ page }) => {
      await page.goto(`${preview.url}/${name}`);
      await expectAccessible(page);
      await expectFits(page);
      await screenshot(page, `sample-${name}-250`);
    });
  }
});

test("every page is light", async ({ page }) => {
  const bodies = [];
  page.on("response", (response) => {
    if (response.url().startsWith("http")) bodies.push(response.body());
  });
  await page.goto(`${preview.url}/challenge-long`);
  await page.waitForLoadState("networkidle");
  const received = (await Promise.all(bodies)).reduce((sum, body) => sum + body.length, 0);
  expect(bodies.length).toBe(3);
  expect(received).toBeGreaterThan(5_000);
  expect(received).toBeLessThan(30_000);
});

test.describe("other ways of seeing", () => {
  test("the system's own colours", async ({ page }) => {
    await page.emulateMedia({ forcedColors: "active" });
    for (const name of ["challenge-wrong", "result-approved"]) {
      await page.goto(`${preview.url}/${name}`);
      await screenshot(page, `sample-${name}-forced-colors`);
    }
  });

  test("on paper", async ({ page }) => {
    await page.goto(`${preview.url}/result-approved`);
    await page.emulateMedia({ media: "print" });
    await expect(page.getByRole("link", { name: "Return to Demo Shop" })).toBeHidden();
    await expect(page.getByText("417823250426141606")).toBeVisible();
    await screenshot(page, "sample-result-approved-print");
  });

  test("right to left", async ({ page }) => {
    await page.goto(`${preview.url}/challenge`);
    await page.evaluate(() => document.documentElement.setAttribute("dir", "rtl"));
    await expectFits(page);
    await screenshot(page, "sample-challenge-right-to-left");
  });

  test("nothing moves for who does not want it", async ({ page }) => {
    await page.emulateMedia({ reducedMotion: "reduce" });
    await page.goto(`${preview.url}/confirming`);
    expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
    await page.emulateMedia({ reducedMotion: "no-preference" });
    expect(await page.evaluate(() => document.getAnimations().length)).toBe(1);
  });

  test("twice the text size", async ({ page }) => {
    await page.setViewportSize({ width: 640, height: 800 });
    await page.goto(`${preview.url}/challenge-wrong`);
    await page.evaluate(() => document.documentElement.style.setProperty("font-size", "200%"));
    await expectFits(page);
    await screenshot(page, "sample-challenge-wrong-200-percent");
  });
});

test.describe("the script", () => {
  test("counts down, and speaks seldom", async ({ page }) => {
    await page.clock.install();
    await page.goto(`${preview.url}/challenge`);
    await expect(page.getByRole("timer")).toHaveText("Time left 14:33");
    await page.clock.runFor(3_000);
    await expect(page.getByRole("timer")).toHaveText("Time left 14:30");
    const spoken = page.locator("[data-announce]");
    await expect(spoken).toBeEmpty();
    await page.clock.runFor(570_000);
    await expect(spoken).toHaveText("5:00 left to finish the payment");
    await page.clock.runFor(100_000);
    await expect(spoken).toHaveText("5:00 left to finish the payment");
    await page.clock.runFor(140_000);
    await expect(spoken).toHaveText("1:00 left to finish the payment");
  });

  test("looks again when the time is over", async ({ page }) => {
    await page.clock.install();
    await page.goto(`${preview.url}/challenge-live?again=wrong`);
    const again = page.waitForRequest(`${preview.url}/challenge-live`);
    await page.clock.runFor(44_000);
    await expect(page.getByRole("timer")).toHaveText("Time left 0:01");
    await page.clock.runFor(3_000);
    await again;
  });

  test("goes to the wrong code, selected", async ({ page }) => {
    await page.goto(`${preview.url}/challenge-wrong`);
    await expect(page.getByLabel("One-time code")).toBeFocused();
  });

  test("sends a form once", async ({ page }) => {
    let posts = 0;
    await page.route("**/challenge", async (route) => {
      if (route.request().method() !== "POST") return route.continue();
      posts += 1;
      // An answer that leaves the page where it is, as one that is still on its way does.
      return route.fulfill({ status: 204 });
    });
    await page.goto(`${preview.url}/challenge`);
    await page.getByLabel("One-time code").fill("123456");
    const pay = page.locator("button.primary");
    await pay.click();
    await expect(pay).toHaveText("One moment…");
    await pay.click();
    await page.getByLabel("One-time code").press("Enter");
    await page.locator("button.plain").click();
    await screenshot(page, "sample-challenge-busy");
    expect(posts).toBe(1);
  });

  test("letters are no code", async ({ page }) => {
    await page.goto(`${preview.url}/challenge`);
    const code = page.getByLabel("One-time code");
    for (const [text, good] of [["12 34 56", true], ["", true], ["12345O", false]]) {
      await code.fill(text);
      expect(await code.evaluate((field) => field.checkValidity())).toBe(good);
    }
  });
});

// The preview's page "confirming" for the first two looks; then the bank has answered.
async function bankThatAnswersLate() {
  let looks = 0;
  const server = createServer(async (request, response) => {
    if (request.url === "/done") {
      response.setHeader("content-type", "text/html");
      response.end('<!doctype html><link rel="icon" href="data:,"><h1>Decided</h1>');
      return;
    }
    if (request.url === "/confirming") {
      looks += 1;
      if (looks > 2) {
        response.writeHead(303, { location: "/done" }).end();
        return;
      }
    }
    const answer = await fetch(`${preview.url}${request.url}`);
    response.setHeader("content-type", answer.headers.get("content-type"));
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  const stop = () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  return { url, stop };
}

for (const javaScriptEnabled of [true, false]) {
  test.describe(`while the bank is asked, JavaScript ${javaScriptEnabled ? "on" : "off"}`, () => {
    test.use({ javaScriptEnabled });

    test("the page goes on by itself", async ({ page, ownOrigins }) => {
      const bank = await bankThatAnswersLate();
      ownOrigins.add(bank.url);
      await page.goto(`${bank.url}/confirming`);
      await expect(page.getByRole("heading", { name: "Confirming with the bank" })).toBeVisible();
      await expect(page.getByRole("heading", { name: "Decided" })).toBeVisible({ timeout: 15_000 });
      await bank.stop();
    });
  });
}
