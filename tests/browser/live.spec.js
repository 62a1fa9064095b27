// The gateway's own binary, from the merchant's request to the shop's return page.

import { LOOKS, expect, expectAccessible, expectFits, screenshot, test } from "./browser.js";
import { createPayment, readReturn, startGateway, startShop } from "./gateway.js";

let gateway;
let shop;

test.beforeAll(async () => {
  [gateway, shop] = await Promise.all([startGateway(), startShop()]);
});

test.afterAll(async () => {
  await Promise.all([gateway?.stop(), shop?.stop()]);
});

test.beforeEach(({ ownOrigins }) => {
  ownOrigins.add(gateway.url).add(shop.url);
  // `authurl` has the public name, which is "localhost" where none is configured.
  ownOrigins.add(gateway.url.replace("127.0.0.1", "localhost"));
});

async function answerWith(page, code) {
  await page.getByLabel("One-time code").fill(code);
  await page.getByRole("button", { name: "Pay 11.11 USD" }).click();
}

/** What the shop was told in its return address, the signature checked. */
async function returned(page, terminal = 42) {
  await expect(page.getByRole("heading", { name: "Thank you for your order" })).toBeVisible({
    timeout: 15_000,
  });
  const url = new URL(page.url());
  expect(url.origin).toBe(shop.url);
  return readReturn(url, gateway, terminal);
}

for (const { look, ...use } of LOOKS) {
  test.describe(look, () => {
    test.use(use);

    const looksGood = async (page, name) => {
      await expectAccessible(page);
      await expectFits(page);
      await screenshot(page, `live-${name}-${look}`);
    };

    test("the challenge, a wrong code, and no code", async ({ page }) => {
      const { authurl } = await createPayment(gateway, shop);
      await page.goto(authurl);
      await looksGood(page, "challenge");
      await answerWith(page, "000000");
      await expect(page.getByText("That code was not right. 2 tries left.")).toBeVisible();
      await expect(page.getByLabel("One-time code")).toHaveAccessibleDescription(
        /That code was not right/,
      );
      await looksGood(page, "challenge-wrong");
      await answerWith(page, "");
      await expect(page.getByText("Enter the code from your bank")).toBeVisible();
      await expect(page.getByText("2 tries left", { exact: true })).toBeVisible();
      await looksGood(page, "challenge-empty");
    });

    test("approved", async ({ page }) => {
      const { authurl, transID } = await createPayment(gateway, shop);
      await page.goto(authurl);
      await answerWith(page, "123 456");
      expect((await returned(page)).order_status).toBe("25");
      await page.goto(`${gateway.url}/api/authurl/${transID}/result`);
      await expect(page.getByRole("heading", { name: "Payment approved" })).toBeVisible();
      await looksGood(page, "result-approved");
      await page.getByRole("link", { name: "Return to Demo Shop" }).click();
      expect((await returned(page)).order_status).toBe("25");
    });

    test("declined", async ({ page }) => {
      const { authurl, transID } = await createPayment(gateway, shop);
      await page.goto(authurl);
      for (const left of ["2 tries left", "1 try left"]) {
        await answerWith(page, "000000");
        await expect(page.getByText(left, { exact: true })).toBeVisible();
      }
      await answerWith(page, "000000");
      expect((await returned(page)).order_status).toBe("26");
      await page.goto(`${gateway.url}/api/authurl/${transID}/result`);
      await expect(page.getByRole("heading", { name: "Payment declined" })).toBeVisible();
      await looksGood(page, "result-declined");
    });

    test("cancelled", async ({ page }) => {
      const { authurl, transID } = await createPayment(gateway, shop);
      await page.goto(authurl);
      await page.getByRole("button", { name: "Cancel payment" }).click();
      expect((await returned(page)).order_status).toBe("23");
      await page.goto(`${gateway.url}/api/authurl/${transID}/result`);
      await expect(page.getByRole("heading", { name: "Payment cancelled" })).toBeVisible();
      await looksGood(page, "result-cancelled");
    });

    test("not decided yet", async ({ page }) => {
      const { transID } = await createPayment(gateway, shop);
      await page.goto(`${gateway.url}/api/authurl/${transID}/result`);
      await expect(page.getByRole("heading", { name: "Payment pending" })).toBeVisible();
      await looksGood(page, "result-pending");
      await page.getByRole("link", { name: "Continue the payment" }).click();
      await expect(page.getByLabel("One-time code")).toBeVisible();
    });
  });
}

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("a payment from end to end", async ({ page }) => {
    const { authurl, transID, reference } = await createPayment(gateway, shop);
    await page.goto(authurl.replace("/authurl/", "/authurl/auth_3ds/"));
    await expect(page.getByRole("timer")).toHaveText(/^Finish within 15 minutes, by \d\d:\d\d UTC$/);
    await answerWith(page, "000000");
    await expect(page.getByText("That code was not right. 2 tries left.")).toBeVisible();
    await answerWith(page, "123456");
    const parameters = await returned(page);
    expect(parameters).toMatchObject({
      transID,
      reference,
      order_status: "25",
      status: "Test Approved",
      bill_amt: "11.11",
      bill_currency: "USD",
      mop: "Visa",
      ccno: "411111XXXXXX1111",
      response: "Payment successful",
    });
    expect(parameters.tdate).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/);
    expect(await shop.webhookOf(transID)).toMatchObject({ order_status: "25", reference });
    await page.goto(authurl);
    expect((await returned(page)).transID).toBe(transID);
  });

  test("three wrong codes decline", async ({ page }) => {
    const { authurl, transID } = await createPayment(gateway, shop);
    await page.goto(authurl);
    for (const left of ["2 tries left", "1 try left"]) {
      await answerWith(page, "000000");
      await expect(page.getByText(left, { exact: true })).toBeVisible();
    }
    await answerWith(page, "000000");
    expect(await returned(page)).toMatchObject({ transID, order_status: "26" });
    expect(await shop.webhookOf(transID)).toMatchObject({ order_status: "26" });
  });

  test("the customer cancels", async ({ page }) => {
    const { authurl, transID } = await createPayment(gateway, shop);
    await page.goto(authurl);
    await page.getByRole("button", { name: "Cancel payment" }).click();
    expect(await returned(page)).toMatchObject({ transID, order_status: "23" });
    expect(await shop.webhookOf(transID)).toMatchObject({ order_status: "23" });
  });
});

// The first code was wrong, so that the page stands there by an answer to POST as well.
for (const javaScriptEnabled of [true, false]) {
  test.describe(`left open, JavaScript ${javaScriptEnabled ? "on" : "off"}`, () => {
    test.use({ javaScriptEnabled });

    for (const answered of [false, true]) {
      test(`${answered ? "after a wrong code" : "untouched"}, the payment expires`, async ({ page }) => {
        const { ter_no: terNO, public_key } = await gateway.hastyTerminal(3);
        const { authurl, transID } = await createPayment(gateway, shop, { terNO, public_key });
        await page.goto(authurl);
        if (answered) {
          await answerWith(page, "000000");
          await expect(page.getByText("2 tries left", { exact: true })).toBeVisible();
        }
        const parameters = await returned(page, terNO);
        expect(parameters).toMatchObject({ transID, order_status: "22", status: "Expired" });
        expect(await shop.webhookOf(transID)).toMatchObject({ order_status: "22" });
        await page.goto(`${gateway.url}/api/authurl/${transID}/result`);
        await expect(page.getByRole("heading", { name: "Time is over" })).toBeVisible();
      });
    }
  });
}

test("a keyboard is enough", async ({ page }) => {
  const { authurl } = await createPayment(gateway, shop);
  await page.goto(authurl);
  const focused = () => page.evaluate(() => document.activeElement.textContent || document.activeElement.id);
  await page.keyboard.press("Tab");
  expect(await focused()).toBe("otp");
  await page.keyboard.type("000000");
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("One-time code")).toBeFocused();
  await page.keyboard.type("123456");
  await page.keyboard.press("Tab");
  // The amount does not break.
  expect(await focused()).toBe("Pay 11.11\u00a0USD");
  await page.keyboard.press("Tab");
  expect(await focused()).toBe("Cancel payment");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Space");
  expect((await returned(page)).order_status).toBe("25");
});

test.describe("unknown", () => {
  test.use({ expectedStatus: 404 });

  test("there is a page in words", async ({ page }) => {
    const answer = await page.goto(`${gateway.url}/api/authurl/100000200101000000`);
    expect(answer.status()).toBe(404);
    await expect(page.getByRole("heading", { name: "We do not know this payment" })).toBeVisible();
    await expectAccessible(page);
    await screenshot(page, "live-not-found");
  });
});

test.describe("forged", () => {
  test.use({ expectedStatus: 403 });

  test("another site's form is refused", async ({ page, ownOrigins }) => {
    const { authurl, transID } = await createPayment(gateway, shop);
    const forger = await startShop();
    ownOrigins.add(forger.url);
    await page.goto(forger.url);
    const answered = page.waitForResponse(authurl);
    await page.evaluate((target) => {
      const form = document.createElement("form");
      Object.assign(form, { method: "post", action: target });
      form.innerHTML = '<input name="cancel" value="1">';
      document.body.append(form);
      form.submit();
    }, authurl);
    expect((await answered).status()).toBe(403);
    await forger.stop();
    const status = await fetch(`${gateway.url}/api/authurl/s2s/${transID}`);
    expect((await status.json()).status).not.toBe("Cancelled");
  });
});
