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
  "challenge-resend",
  "challenge-resent",
  "challenge-live",
  "challenge-long",
  "themed",
  "themed-weak",
  "confirming",
  "pick-bank",
  "pick-wallet",
  "pick-empty",
  "handover",
  "upi-wait",
  "upi-qr",
  "upi-qr-phone",
  "upi-qr-replaced",
  "at-bank",
  "sandbox-bank",
  "sandbox-wallet",
  "sandbox-upi",
  "sandbox-issuer",
  "sandbox-unknown",
  "result-approved",
  "result-approved-live",
  "result-approved-long",
  "result-declined",
  "result-declined-limit",
  "result-expired",
  "result-expired-late",
  "result-cancelled",
  "result-cancelled-late",
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
/** Pages that change by themselves, and what they say they are. */
const WAITING = ["upi-wait", "upi-qr", "at-bank"];
const LANGUAGES = ["en", "hi", "es", "fr", "de", "pt", "ar", "ru", "id", "zh"];

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

test.beforeEach(async ({ ownOrigins, page }) => {
  ownOrigins.add(preview.url);
  // The preview tells nothing of payments; a page that listens hears silence. And what would be
  // posted to the bank stays here: the samples look at the page before.
  await page.route("**/events", (route) =>
    route.fulfill({ contentType: "text/event-stream", body: "retry: 600000\n\n" }),
  );
  await page.route("https://bank.example/**", (route) => route.fulfill({ status: 204 }));
  ownOrigins.add("https://bank.example");
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

test.describe("Arabic, from right to left", () => {
  for (const { look, ...use } of LOOKS.filter(({ look }) => look.endsWith("light"))) {
    test.describe(look, () => {
      test.use(use);
      for (const name of SAMPLES) {
        test(name, async ({ page }) => {
          await page.goto(`${preview.url}/${name}?lang=ar`);
          expect(await page.locator("html").getAttribute("dir")).toBe("rtl");
          await expectAccessible(page);
          await expectFits(page);
          await screenshot(page, `arabic-${name}-${look}`);
        });
      }
    });
  }
});

test.describe("every language", () => {
  test.use({ viewport: { width: 320, height: 640 } });
  for (const language of LANGUAGES) {
    test(language, async ({ page }) => {
      for (const name of ["challenge-resend", "upi-qr", "result-cancelled-late", "at-bank"]) {
        await page.goto(`${preview.url}/${name}?lang=${language}`);
        expect(await page.locator("html").getAttribute("lang")).toBe(language);
        await expectAccessible(page);
        await expectFits(page);
        await expectNothingCut(page);
        await screenshot(page, `language-${language}-${name}`);
      }
    });
  }
});

/** No text is wider than the box it stands in. */
async function expectNothingCut(page) {
  const cut = await page.evaluate(() =>
    [...document.querySelectorAll("main *, footer *")]
      .filter((element) => element.checkVisibility() && !element.closest(".quiet, svg, select"))
      .filter((element) => element.clientWidth > 0 && element.scrollWidth > element.clientWidth + 1)
      .map((element) => element.outerHTML.slice(0, 200)),
  );
  expect(cut).toEqual([]);
}

test.describe("the language", () => {
  test.use({ locale: "fr-CA" });

  test("is the browser's, until the customer chooses one", async ({ page }) => {
    await page.goto(`${preview.url}/challenge-wrong?again=wrong`);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Confirmez que c’est bien vous");
    await page.locator(".languages summary").click();
    await screenshot(page, "sample-language-menu");
    await page.getByRole("link", { name: "Deutsch" }).click();
    await expect(page).toHaveURL(`${preview.url}/challenge-wrong?again=wrong&lang=de`);
    await expect(page.getByLabel("Einmalcode")).toBeFocused();
  });
});

test.describe("every page is light and quick", () => {
  for (const name of SAMPLES) {
    test(name, async ({ page }) => {
      const session = await page.context().newCDPSession(page);
      await session.send("Network.enable");
      let received = 0;
      session.on("Network.loadingFinished", ({ encodedDataLength }) => {
        received += encodedDataLength;
      });
      // Devanagari is three bytes a letter: the heaviest of the languages.
      await page.goto(`${preview.url}/${name}?lang=hi`);
      await page.waitForLoadState("networkidle");
      expect(received).toBeGreaterThan(5_000);
      expect(received).toBeLessThan(30_000);

      const median = async () => {
        const waits = [];
        for (let look = 0; look < 9; look += 1) {
          const began = performance.now();
          const answer = await fetch(`${preview.url}/${name}`);
          waits.push(performance.now() - began);
          await answer.text();
        }
        return waits.sort((one, other) => one - other)[4];
      };
      // Other tests use the same processors: only what stays slow is slow.
      await expect.poll(median).toBeLessThan(20);
    });
  }
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

test.describe("the list of banks", () => {
  test("gets shorter as one types", async ({ page }) => {
    await page.goto(`${preview.url}/pick-bank`);
    const search = page.getByLabel("Find your bank");
    await search.fill("india unIon");
    await expect(page.locator(".choices button:visible")).toHaveText([/Union Bank of India/]);
    await expect(page.locator("[data-count]")).toHaveText("Matches: 1");
    await screenshot(page, "sample-pick-bank-filtered");
    await search.fill("zebra");
    await expect(page.getByText("Nothing matches your search")).toBeVisible();
    await expect(page.getByRole("heading", { level: 2 })).toHaveCount(0);
    await expectAccessible(page);
    await search.fill("");
    await expect(page.locator(".choices button:visible")).toHaveCount(40);
  });
});

test.describe("the way to the bank", () => {
  test("is taken by itself, with the fields as they were given", async ({ page }) => {
    const posted = page.waitForRequest("https://bank.example/netbanking/pay");
    await page.goto(`${preview.url}/handover`);
    const request = await posted;
    expect(request.method()).toBe("POST");
    expect(request.postData()).toBe("merchant=4471&payload=a%22b%3Cc%3E%26");
  });

  test("leads to that origin only", async ({ request }) => {
    const policy = async (name) =>
      (await request.get(`${preview.url}/${name}`)).headers()["content-security-policy"];
    expect(await policy("handover")).toContain("; form-action https://bank.example; ");
    expect(await policy("challenge")).toContain("; form-action 'self' http: https:; ");
  });
});

test.describe("while others have to act", () => {
  for (const name of WAITING) {
    test(`${name} listens, and goes on when told`, async ({ page }) => {
      let told = false;
      await page.route("**/events", (route) => {
        told = true;
        return route.fulfill({
          contentType: "text/event-stream",
          body: "event: changed\ndata: \n\n",
        });
      });
      let pages = 0;
      await page.route(`**/${name}`, async (route) => {
        pages += 1;
        if (pages === 1) return route.continue();
        return route.fulfill({
          contentType: "text/html",
          body: '<!doctype html><link rel="icon" href="data:,"><h1>Decided</h1>',
        });
      });
      await page.goto(`${preview.url}/${name}`);
      await expect(page.getByRole("heading", { name: "Decided" })).toBeVisible();
      expect(told).toBe(true);
    });
  }

  test.describe("without events", () => {
    test.use({ expectedStatus: 404 });

    test("the page looks itself", async ({ page }) => {
      await page.route("**/events", (route) => route.fulfill({ status: 404 }));
      let looks = 0;
      await page.route("**/upi-wait", async (route) => {
        looks += 1;
        if (looks < 3) return route.continue();
        return route.fulfill({
          contentType: "text/html",
          body: '<!doctype html><link rel="icon" href="data:,"><h1>Decided</h1>',
        });
      });
      await page.goto(`${preview.url}/upi-wait`);
      await expect(page.getByRole("heading", { name: "Decided" })).toBeVisible({ timeout: 15_000 });
    });
  });
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  /** What the form sends when this button is pressed, and where to. */
  async function sent(page, button) {
    const [request] = await Promise.all([
      page.waitForRequest((request) => request.method() === "POST"),
      button.click(),
    ]);
    return `${new URL(request.url()).pathname}${new URL(request.url()).search} ${request.postData()}`;
  }

  test.beforeEach(async ({ page }) => {
    await page.route("**/*", (route) =>
      route.request().method() === "POST" ? route.fulfill({ status: 204 }) : route.fallback(),
    );
  });

  for (const [name, button, body] of [
    ["challenge", "Pay 11.11 USD", "otp=123+456"],
    ["challenge", "Cancel payment", "otp=123+456&cancel=1"],
    ["challenge-resend", "Send a new code", "otp=123+456&resend=1"],
    ["pick-bank", "HDFC Bank", "bankcode=B002"],
    ["pick-wallet", "Paytm", "bankcode=B004"],
    ["pick-wallet", "Cancel payment", "cancel=1"],
    ["upi-wait", "Cancel payment", "cancel=1"],
    ["upi-qr", "Cancel payment", "cancel=1"],
    ["at-bank", "Cancel payment", "cancel=1"],
    ["sandbox-bank", "Approve", "decision=approve"],
    ["sandbox-bank", "Decline", "decision=decline"],
    ["sandbox-bank", "Cancel and go back", "decision=cancel"],
  ]) {
    test(`${name}: ${button}`, async ({ page }) => {
      await page.goto(`${preview.url}/${name}?lang=en`);
      const code = page.getByLabel("One-time code");
      if (await code.count()) await code.fill("123 456");
      const pressed = page.getByRole("button", { name: button });
      expect(await sent(page, pressed)).toBe(`/${name}?lang=en ${body}`);
    });
  }

  test("no more codes can be asked for than there are", async ({ page }) => {
    await page.goto(`${preview.url}/challenge-resent`);
    await expect(page.getByRole("button", { name: "Send a new code" })).toBeDisabled();
    await expect(page.getByRole("status")).toHaveText("A new code is on its way. Use the newest one.");
  });

  test("the hand-over has its button", async ({ page }) => {
    await page.goto(`${preview.url}/handover`);
    const posted = page.waitForRequest("https://bank.example/netbanking/pay");
    await page.getByRole("button", { name: "Continue to Sandbox Bank" }).click();
    expect((await posted).method()).toBe("POST");
  });

  test("banks are searched for on the server", async ({ page }) => {
    await page.goto(`${preview.url}/pick-bank?lang=de`);
    await page.getByLabel("Bank suchen").fill(" INDIA union");
    await page.getByRole("button", { name: "Suchen" }).click();
    await expect(page).toHaveURL(/[?&]lang=de/);
    await expect(page.locator(".choices button")).toHaveText([/Union Bank of India/]);
    await page.getByLabel("Bank suchen").fill("zebra");
    await page.getByRole("button", { name: "Suchen" }).click();
    await expect(page.getByText("Nichts passt zu Ihrer Suche")).toBeVisible();
    await expectFits(page);
    await screenshot(page, "sample-pick-bank-none");
    await page.getByRole("link", { name: "Ganze Liste zeigen" }).click();
    await expect(page).toHaveURL(`${preview.url}/pick-bank?lang=de`);
    await expect(page.locator(".choices button")).toHaveCount(40);
  });

  test("waiting pages load themselves again", async ({ page }) => {
    for (const name of WAITING) {
      await page.goto(`${preview.url}/${name}`);
      const refresh = page.locator("noscript meta[http-equiv=refresh], meta[http-equiv=refresh]");
      expect(Number(await refresh.first().getAttribute("content"))).toBeLessThanOrEqual(10);
    }
  });
});
