// The merchant portal and the operator's office in the gateway's own binary, from the first
// operator's invitation to a replayed webhook.

import { LOOKS, expect, expectAccessible, expectFits, screenshot, test as base } from "./browser.js";
import { createPayment, startGateway, startShop } from "./gateway.js";
import { PASSWORD, accept, invited, signIn } from "./people.js";
import { startPostgres } from "./process.js";

const test = base.extend({
  database: ["sqlite", { option: true, scope: "worker" }],
  house: [
    async ({ database, browser }, use) => {
      const house = await openHouse(database, browser);
      await use(house);
      await house.stop();
    },
    { scope: "worker", timeout: 180_000 },
  ],
  /** A page on which somebody of this house is signed in. */
  as: async ({ browser, house }, use, info) => {
    const contexts = [];
    await use(async (who, options = {}) => {
      const context = await browser.newContext({ ...info.project.use, ...options, storageState: who });
      contexts.push(context);
      return context.newPage();
    });
    await Promise.all(contexts.map((context) => context.close()));
  },
});

/**
 * A gateway with its shop, an operator, an owner of the demo merchant and somebody who only looks,
 * all signed in, and some payments.
 */
async function openHouse(database, browser) {
  const cluster = database === "postgres" ? await startPostgres() : undefined;
  const [gateway, shop] = await Promise.all([
    startGateway({ database: cluster?.url }),
    startShop(),
  ]);
  const enter = async (name, ...invitation) => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const link = await invited(gateway, ...invitation, "--name", name);
    const person = await accept(page, link, name);
    await signIn(page, gateway.url, person);
    const state = await context.storageState();
    await context.close();
    return { person, state };
  };
  const owner = ["user", "invite", "--merchant", "1", "--email", "olga@shop.example"];
  const reader = [...owner.slice(0, 5), "rita@shop.example", "--role", "read_only"];
  const house = {
    gateway,
    shop,
    operator: await enter("Sam Field", "operator", "add", "--email", "sam@gateway.example"),
    owner: await enter("Olga Berg", ...owner),
    reader: await enter("Rita Lee", ...reader),
    async stop() {
      await Promise.all([gateway.stop(), shop.stop()]);
      await cluster?.stop();
    },
  };
  const approved = { ccno: "4012000033330026", bill_email: "mia@customers.example" };
  house.approved = await createPayment(gateway, shop, approved);
  house.waiting = await createPayment(gateway, shop);
  await createPayment(gateway, shop, { ccno: "4043409999991437" }).catch(() => {});
  const endpoint = ["endpoint", "add", "--merchant", "1", "--url", `${shop.url}/all`, "--events", "*", "--json"];
  house.endpoint = JSON.parse(await gateway.run(...endpoint)).endpoint;
  return house;
}

test.beforeEach(({ ownOrigins, house }) => {
  ownOrigins.add(house.gateway.url).add(house.shop.url);
  ownOrigins.add(house.gateway.url.replace("127.0.0.1", "localhost"));
});

const heading = (page, name) => page.getByRole("heading", { level: 1, name });

test.describe("on either database", () => {
  test("from an invitation to a replayed webhook", async ({ browser, house, as }) => {
    test.setTimeout(180_000);
    const { gateway, shop } = house;
    const hook = `/hook-${Date.now()}`;
    shop.answer.set(hook, 410);

    // The operator takes a merchant on.
    const office = await as(house.operator.state);
    await office.goto(`${gateway.url}/office/merchants`);
    await office.getByRole("link", { name: "New merchant" }).click();
    const name = `Corner Shop ${Date.now()}`;
    await office.getByLabel("Name", { exact: true }).first().fill(name);
    await office.locator("#person").fill("Priya Shah");
    await office.getByLabel("E-mail address").fill(`priya${Date.now()}@corner.example`);
    await office.getByRole("button", { name: "Add and invite the owner" }).click();
    const shown = await office.locator("#link").textContent();
    const link = shown.replace(/^https?:\/\/[^/]+/, gateway.url);

    // The owner comes in, adds a terminal and copies its keys.
    const context = await browser.newContext();
    const page = await context.newPage();
    const owner = await accept(page, link, "Priya Shah");
    await signIn(page, gateway.url, owner);
    await expect(page.getByText("Test mode:")).toBeVisible();
    await page.getByRole("link", { name: "My Terminal", exact: true }).first().click();
    await page.getByRole("link", { name: "Add New Terminal List" }).first().click();
    await page.getByLabel("Name", { exact: true }).fill("Web shop");
    await page.getByRole("button", { name: "Add the terminal" }).click();
    await expect(heading(page, "Web shop")).toBeVisible();
    await expect(page.getByText("Terminal Public Key")).toBeVisible();
    const publicKey = await page.locator("#public-key-1").textContent();
    const privateKey = await page.locator("#private-key").textContent();
    expect(publicKey).toHaveLength(44);
    expect(privateKey).toHaveLength(44);
    const number = await page.locator(".crumbs [aria-current]").textContent();
    await page.reload().catch(() => {});
    await page.goto(`${gateway.url}/portal/test/terminals/${number}`);
    await expect(page.locator("#private-key")).toHaveCount(0);

    // An endpoint that is told of everything, whose server has a bad day.
    await page.goto(`${gateway.url}/portal/test/webhooks/endpoints/new`);
    await page.getByLabel("Address").fill(`${shop.url}${hook}`);
    await page.getByRole("button", { name: "Add the endpoint" }).click();
    await expect(page.locator("main")).toContainText("whsec_");

    // A payment arrives, and its customer pays it.
    const payment = await createPayment(gateway, shop, {
      public_key: publicKey,
      terNO: number,
      reference: `corner-${Date.now()}`,
    });
    await page.goto(`${gateway.url}/portal/test/payments`);
    await page.getByRole("link", { name: `${payment.transID}` }).first().click();
    await expect(heading(page, /11\.11/)).toContainText("Waiting");
    const customer = await context.newPage();
    await customer.goto(payment.authurl);
    await customer.getByLabel("One-time code").fill("123456");
    await customer.getByRole("button", { name: "Pay 11.11 USD" }).click();
    await expect(customer.getByRole("heading", { name: "Thank you for your order" })).toBeVisible({
      timeout: 20_000,
    });
    await page.reload();
    await expect(heading(page, /11\.11/)).toContainText("Approved");

    // Part of it goes back.
    await page.getByLabel("Amount", { exact: true }).fill("1.11");
    await page.getByRole("button", { name: "Refund…" }).click();
    await expect(page.locator("main")).toContainText("1.11");
    await page.locator("main form button").first().click();
    await expect(page.getByText("The refund was accepted")).toBeVisible();
    await expect(async () => {
      await page.reload();
      await expect(heading(page, /11\.11/)).toContainText("Partly refunded");
    }).toPass({ timeout: 20_000 });

    // Why the webhook failed, and sent again when the server is well.
    await expect(async () => {
      await page.goto(`${gateway.url}/portal/test/webhooks/endpoints`);
      await expect(page.locator("main table")).toContainText(/off|failed|switched/i);
    }).toPass({ timeout: 20_000 });
    await page.goto(`${gateway.url}/portal/test/webhooks?state=dead`);
    await page.getByRole("link", { name: /^payment\.approved/ }).click();
    await expect(page.locator("main")).toContainText("410");
    await expect(page.locator("main")).toContainText("given up");
    shop.answer.set(hook, 200);
    await page.goto(`${gateway.url}/portal/test/webhooks/endpoints`);
    await page.locator("main tbody a").first().click();
    await page.getByRole("button", { name: /switch.* on/i }).click();
    await page.goto(`${gateway.url}/portal/test/webhooks`);
    await page.getByRole("link", { name: "Send failed ones again" }).click();
    await page.getByLabel("First day (UTC)").fill(new Date().toISOString().slice(0, 10));
    await page.getByRole("button", { name: "Count them" }).click();
    await page.getByRole("button", { name: /^Send \d+ again$/ }).click();
    await expect(page.getByText("The webhooks are sent again")).toBeVisible();
    await expect(async () => {
      await page.goto(`${gateway.url}/portal/test/webhooks?state=dead`);
      await expect(page.locator("#results tbody tr")).toHaveCount(0);
    }).toPass({ timeout: 20_000 });
    const replayed = shop.deliveries.filter(({ body }) => body.includes(`${payment.transID}`));
    expect(replayed.length).toBeGreaterThan(1);
    await context.close();
  });
});

test("a live terminal waits for the operator's word", async ({ house, as }) => {
  // The demo takes nothing live, and says so.
  const page = await as(house.owner.state);
  await page.goto(`${house.gateway.url}/portal/live/terminals/new`);
  await page.getByLabel("Name", { exact: true }).fill("Live shop");
  await page.getByRole("button", { name: "Add the terminal" }).click();
  await expect(page.getByRole("alert")).toContainText("demo");
});

test("somebody who only looks changes nothing", async ({ house, as }) => {
  const page = await as(house.reader.state);
  const { url } = house.gateway;
  await page.goto(`${url}/portal/test/payments/${house.approved.transID}`);
  await expect(page.getByRole("button", { name: "Refund…" })).toHaveCount(0);
  await expect(page.getByRole("link", { name: "Team" })).toHaveCount(0);
  for (const path of ["/portal/team", "/portal/audit", "/portal/test/api-log"]) {
    expect((await page.request.get(`${url}${path}`)).status()).toBe(403);
  }
  expect((await page.request.get(`${url}/office`)).status()).toBe(404);
});

test("by keyboard alone: sign in, find a payment, ask for a refund", async ({ browser, house }) => {
  const { gateway } = house;
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${gateway.url}/account/sign-in`);
  const until = async (name, presses = 60) => {
    for (let press = 0; press < presses; press += 1) {
      const here = await page.evaluate(() => {
        const at = document.activeElement;
        return at?.labels?.[0]?.textContent?.trim() || at?.getAttribute("aria-label") || at?.textContent?.trim();
      });
      if (name.test(here ?? "")) return;
      await page.keyboard.press("Tab");
    }
    throw new Error(`no way to ${name}`);
  };
  await until(/^E-mail/);
  await page.keyboard.type(house.owner.person.email);
  await page.keyboard.press("Tab");
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press("Tab");
  await page.keyboard.type(house.owner.person.recovery.pop());
  await page.keyboard.press("Enter");
  await expect(heading(page, "Overview")).toBeVisible();
  await page.keyboard.press("Control+k");
  await page.keyboard.type(`${house.approved.transID}`);
  await page.keyboard.press("Enter");
  await expect(heading(page, /11\.11/)).toBeVisible();
  await until(/^Amount/, 150);
  await page.keyboard.press("Control+a");
  await page.keyboard.type("2.22");
  await page.keyboard.press("Enter");
  await expect(page.locator("main")).toContainText("2.22");
  await context.close();
});

test("without scripts the search, the pager and a note work", async ({ house, as }) => {
  const page = await as(house.owner.state, { javaScriptEnabled: false });
  const { url } = house.gateway;
  await page.goto(`${url}/portal/test/payments`);
  await page.locator("#q").fill("mia@customers");
  await page.getByRole("button", { name: "Search" }).last().click();
  await expect(page.locator("#results tbody tr")).toHaveCount(1);
  await page.locator("#results tbody a").first().click();
  await page.getByLabel("New note").fill("called the customer");
  await page.getByRole("button", { name: "Add note" }).click();
  await expect(page.locator("#notes")).toContainText("called the customer");
});

test("as one types, the list follows, and its address too", async ({ house, as }) => {
  const page = await as(house.owner.state);
  await page.goto(`${house.gateway.url}/portal/test/payments`);
  await page.locator("#q").pressSequentially("0026");
  await expect(page).toHaveURL(/q=0026/);
  await expect(page.locator("#results tbody tr")).toHaveCount(1);
});

test("a token of a page lists payments until it is ended", async ({ house, as }) => {
  const page = await as(house.owner.state);
  await page.goto(`${house.gateway.url}/portal/tokens`);
  await page.getByLabel("Name", { exact: true }).fill("Nightly report");
  await page.getByRole("checkbox", { name: /List payments/ }).check();
  const password = page.getByLabel("Your password");
  if (await password.count()) await password.fill(PASSWORD);
  await page.getByRole("button", { name: "Make the token" }).click();
  const token = await page.locator("#new-token").textContent();
  const list = `${house.gateway.url}/api/v1/payments?limit=100`;
  const answer = await fetch(list, { headers: { authorization: `Bearer ${token}` } });
  const { payments } = await answer.json();
  expect(payments.map(({ transID }) => transID)).toContain(house.approved.transID);
  await expectAccessible(page);
  await screenshot(page, "desks-token-made");
  await page.goto(`${house.gateway.url}/portal/tokens`);
  await page.getByRole("button", { name: "End Nightly report" }).click();
  await page.getByRole("button", { name: "End it" }).click();
  await expect(page.getByText("The token opens nothing any more.")).toBeVisible();
  expect((await fetch(list, { headers: { authorization: `Bearer ${token}` } })).status).toBe(401);
});

test("a receipt is a PDF, and the export a table for spreadsheets", async ({ house, as }) => {
  const page = await as(house.owner.state);
  const payment = `${house.gateway.url}/portal/test/payments`;
  const pdf = await page.request.get(`${payment}/${house.approved.transID}/receipt.pdf`);
  expect(pdf.headers()["content-type"]).toBe("application/pdf");
  expect((await pdf.body()).subarray(0, 5).toString()).toBe("%PDF-");
  const csv = await page.request.get(`${payment}.csv`);
  expect(csv.headers()["content-disposition"]).toContain("attachment");
  expect(await csv.text()).toContain(`${house.approved.transID}`);
});

/** Every page of a desk that needs nothing but its address. */
const PORTAL = [
  ["overview", "/portal/test"],
  ["overview-live", "/portal/live"],
  ["terminals", "/portal/test/terminals"],
  ["terminals-live", "/portal/live/terminals"],
  ["terminal", "/portal/test/terminals/42"],
  ["terminal-new", "/portal/test/terminals/new"],
  ["terminal-edit", "/portal/test/terminals/42/edit"],
  ["terminal-try", "/portal/test/terminals/42/try"],
  ["payments", "/portal/test/payments"],
  ["payments-none", "/portal/test/payments?q=nothing-like-this"],
  ["payment", "/portal/test/payments/{approved}"],
  ["payment-waiting", "/portal/test/payments/{waiting}"],
  ["receipt", "/portal/test/payments/{approved}/receipt"],
  ["balance", "/portal/test/balance"],
  ["balance-day", "/portal/test/balance/USD/{today}"],
  ["webhooks", "/portal/test/webhooks"],
  ["webhooks-endpoints", "/portal/test/webhooks/endpoints"],
  ["webhooks-endpoint", "/portal/test/webhooks/endpoints/{endpoint}"],
  ["webhooks-new", "/portal/test/webhooks/endpoints/new"],
  ["webhooks-delivery", "/portal/test/webhooks/deliveries/msg_{approved}_1"],
  ["webhooks-replay", "/portal/test/webhooks/replay"],
  ["api-log", "/portal/test/api-log"],
  ["developers", "/portal/test/developers"],
  ["developers-console", "/portal/test/developers/console"],
  ["developers-test-data", "/portal/test/developers/test-data"],
  ["developers-events", "/portal/test/developers/events"],
  ["team", "/portal/team"],
  ["tokens", "/portal/tokens"],
  ["audit", "/portal/audit"],
  ["account", "/account"],
  ["not-found", "/portal/test/payments/100000000000000000"],
];

const OFFICE = [
  ["today", "/office"],
  ["merchants", "/office/merchants"],
  ["merchant", "/office/merchants/1"],
  ["merchant-new", "/office/merchants/new"],
  ["terminals", "/office/terminals"],
  ["terminal", "/office/terminals/42"],
  ["unknown", "/office/unknown"],
  ["payments", "/office/payments"],
  ["payment", "/office/payments/{approved}"],
  ["users", "/office/users"],
  ["audit", "/office/audit"],
  ["health", "/office/health"],
];

const PUBLIC = [
  ["sign-in", "/account/sign-in"],
  ["forgotten", "/account/forgotten"],
  ["gone", "/account/invitation/nothing"],
];

for (const { look, ...use } of LOOKS) {
  test.describe(look, () => {
    test.use({ ...use, expectedStatus: 4 });

    for (const [desk, pages, who] of [
      ["portal", PORTAL, (house) => house.owner.state],
      ["office", OFFICE, (house) => house.operator.state],
      ["account", PUBLIC, () => undefined],
    ]) {
      test(`every page of the ${desk}`, async ({ house, as }) => {
        test.setTimeout(420_000);
        const page = await as(who(house), use);
        for (const [name, pattern] of pages) {
          const path = pattern
            .replace("{approved}", house.approved.transID)
            .replace("{waiting}", house.waiting.transID)
            .replace("{endpoint}", house.endpoint)
            .replace("{today}", new Date().toISOString().slice(0, 10));
          const answer = await page.goto(`${house.gateway.url}${path}`);
          const expected = { "not-found": 404, gone: 410 }[name] ?? 200;
          expect(answer.status(), path).toBe(expected);
          await expect(page.locator("h1")).toHaveCount(1);
          await expectAccessible(page);
          if (use.viewport.width < 500) await expectFits(page);
          await screenshot(page, `desks-${desk}-${name}-${look}`);
        }
      });
    }
  });
}
