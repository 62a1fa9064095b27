// A customer in front of the pages, and everything that can be known of their payment from outside:
// what the shop is told on their return, the webhooks, the status, the bank's books.

import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";
import { expect, expectAccessible, expectFits, screenshot } from "./browser.js";
import { createPayment, readReturn, startGateway, startShop } from "./gateway.js";
import { startPostgres } from "./process.js";

/** What an `order_status` is called, and the heading of the page that says so. */
const STATUSES = {
  22: ["Expired", "expired-heading"],
  23: ["Cancelled", "cancelled-heading"],
  25: ["Test Approved", "approved-heading"],
  26: ["Test Declined", "declined-heading"],
  7: ["Reversed", "reversed-heading"],
};
/** In milliseconds: slow even where the binary is not optimised and others use the processors. */
const FIRST_BYTE_AT_MOST = 100;

/** A page's texts as patterns, where something is put in, by the names that the templates use. */
function textsOf(language) {
  const file = new URL(`../../crates/web/messages/${language}.ftl`, import.meta.url);
  const lines = readFileSync(file, "utf8").matchAll(/^([\w-]+) = (.+)$/gm);
  const texts = new Map([...lines].map(([, name, text]) => [name, text]));
  return (name) => {
    if (!texts.has(name)) throw new Error(`no text ${name} in ${language}`);
    const parts = texts.get(name).split(/\{[^}]*\}/);
    const plain = parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    return new RegExp(`^\\s*${plain.join(".*")}\\s*$`);
  };
}

/** A gateway with a shop, and what has happened there so far. */
export async function openHouse(database) {
  const cluster = database === "postgres" ? await startPostgres() : undefined;
  const [gateway, shop] = await Promise.all([
    startGateway({ database: cluster?.url }),
    startShop(),
  ]);
  return {
    gateway,
    shop,
    /** The payments that have ended, by `transID`: the statuses in order, and the amount. */
    ended: new Map(),
    created: 0,
    /** How long each page took to answer, in milliseconds, the medians. */
    firstBytes: new Map(),
    seen: new Set(),
    async close() {
      await gateway.stop();
      await Promise.all([shop.stop(), cluster?.stop()]);
    },
  };
}

/** Nobody was told more than was expected, and the books of gateway and bank agree with it. */
export async function expectBooks({ gateway, shop, ended, created }) {
  const journal = await gateway.bankJournal();
  for (const [transID, { statuses, minor }] of ended) {
    const told = shop.webhooks.filter((webhook) => webhook.transID === transID);
    expect(told.map((webhook) => webhook.order_status), `webhooks of ${transID}`).toEqual(statuses);
    const lines = journal
      .filter((line) => line.trans_id === transID && line.result === "approved")
      .map((line) => `${line.kind} ${line.amount_minor}`);
    const money = {
      25: [`authorisation ${minor}`],
      7: [`authorisation ${minor}`, `reversal ${minor}`],
    };
    expect(lines, `the bank's lines of ${transID}`).toEqual(money[statuses.at(-1)] ?? []);
  }
  expect(await gateway.verify()).toMatchObject({ ok: true, payments: created, findings: [] });
}

export class Customer {
  /** `look` names the screenshots; `isThorough`: every page is looked at with axe. */
  constructor(page, house, { language, hasScript, look, isThorough }) {
    Object.assign(this, { page, house, hasScript, look, isThorough });
    this.text = textsOf(language);
  }

  /**
   * The merchant's server asks for a payment. With `seconds` at a terminal of its own, whose
   * customers have so many, and which is made with these flags.
   */
  async order({ seconds, flags = ["--upi-collect", "allow"], ...fields }) {
    const { gateway, shop } = this.house;
    const isCard = ["CC", "DC"].includes(fields.mop);
    const none = { ccno: undefined, ccvv: undefined, month: undefined, year: undefined };
    const asked = { ...(isCard ? {} : { ...none, bill_currency: "INR" }), ...fields };
    if (seconds) {
      const hasty = await gateway.hastyTerminal(seconds, ...flags);
      Object.assign(asked, { terNO: hasty.ter_no, public_key: hasty.public_key });
    }
    this.asked = asked;
    this.terminal = asked.terNO ?? 42;
    this.payment = await createPayment(gateway, shop, asked);
    this.house.created += 1;
    const { authdata } = this.payment;
    this.authdata = authdata && JSON.parse(Buffer.from(authdata, "base64").toString());
  }

  get authurl() {
    return `${this.house.gateway.url}/api/authurl/${this.payment.transID}`;
  }

  /** What stands here is right; the first time also: it is quick, and there is a picture of it. */
  async sees(name, page = this.page) {
    if (this.isThorough) {
      await expectAccessible(page);
      await expectFits(page);
    }
    if (this.house.seen.has(`${this.look}-${name}`)) return;
    this.house.seen.add(`${this.look}-${name}`);
    const address = page.url();
    await screenshot(page, `${this.look}-${name}`);
    const median = async () => {
      const waits = [];
      for (let look = 0; look < 5; look += 1) {
        const began = performance.now();
        const answer = await fetch(address, { redirect: "manual" });
        waits.push(performance.now() - began);
        await answer.text();
      }
      const [, , middle] = waits.sort((one, other) => one - other);
      this.house.firstBytes.set(name, middle);
      return middle;
    };
    // Others use the same processors: only what stays slow is slow.
    await expect.poll(median, `the first byte of ${name}`).toBeLessThan(FIRST_BYTE_AT_MOST);
  }

  button(name, page = this.page) {
    return page.getByRole("button", { name: this.text(name) });
  }

  async press(name, page = this.page) {
    await this.button(name, page).click();
  }

  async expectHeading(name, page = this.page) {
    await expect(page.getByRole("heading", { level: 1, name: this.text(name) })).toBeVisible();
  }

  async opens() {
    await this.page.goto(this.payment.authurl);
  }

  /** The code from the bank, and the button beside it. */
  async answers(code) {
    await this.page.getByLabel(this.text("code-label")).fill(code);
    await this.page.locator("button.primary").click();
  }

  /** Finds a bank or wallet in the list, as far as the browser can, and chooses it. */
  async chooses(list, name) {
    await this.expectHeading(`pick-${list}-heading`);
    await this.sees(`pick-${list}`);
    await this.page.getByLabel(this.text(`pick-${list}-search`)).fill(name);
    if (!this.hasScript) await this.press("pick-search");
    const found = this.page.locator(".choices button:visible");
    await expect(found).toHaveCount(1);
    await expect(found).toContainText(name);
    await this.sees(`pick-${list}-found`);
    await found.click();
  }

  /** From our page to one that wants a form. The script sends it; without, there is a button. */
  async isHandedOver(go) {
    const isForm = (request) =>
      request.method() === "POST" && request.url().includes("/sandbox-bank/");
    const posted = this.page.waitForRequest(isForm);
    await go();
    if (!this.hasScript) {
      await this.expectHeading("handover-heading");
      await this.sees("handover");
      await this.page.locator("button.primary").click();
    }
    const fields = Object.fromEntries(new URLSearchParams((await posted).postData()));
    const { bill_amt: amount = "11.11", bill_currency: currency } = this.asked;
    expect(fields).toMatchObject({ amount, currency });
    expect(fields.order).toMatch(new RegExp(`^${this.payment.transID}-\\d+$`));
  }

  /** At the counter of the sandbox bank. */
  async isAtBank(name, page = this.page) {
    await expect(page).toHaveURL(/\/sandbox-bank\/\d+-\d+/);
    await expect(page.locator(".played")).toContainText(name);
  }

  async decides(decision, page = this.page) {
    await this.expectHeading("sandbox-heading", page);
    await this.sees("sandbox-bank", page);
    await this.press(`sandbox-${decision}`, page);
  }

  /** The other side of a UPI payment, in a tab of its own, by the link on the page. */
  async takesThePhone() {
    const link = this.page.getByRole("banner").getByRole("link", { name: this.text("sandbox-upi") });
    const [phone] = await Promise.all([this.page.context().waitForEvent("page"), link.click()]);
    await this.isAtBank("UPI", phone);
    return phone;
  }

  /** Does this while the page listens; what comes of it is heard, not asked for. */
  async hears(act) {
    const hasHeard = this.hasScript && this.page.waitForEvent("requestfinished", {
      predicate: (request) => request.url().endsWith("/events"),
      timeout: 15_000,
    });
    const looks = [];
    const note = (request) => request.resourceType() === "fetch" && looks.push(request.url());
    this.page.on("request", note);
    await act();
    await hasHeard;
    this.page.off("request", note);
    expect(looks, "the page asked although it was told").toEqual([]);
  }

  /** Back at the shop, with the result in the address. */
  async isBack(status, page = this.page) {
    const thanks = page.getByRole("heading", { name: "Thank you for your order" });
    await expect(thanks).toBeVisible({ timeout: 15_000 });
    expect(new URL(page.url()).origin).toBe(this.house.shop.url);
    const told = await readReturn(page.url(), this.house.gateway, this.terminal);
    expect(told).toMatchObject(this.knownOf(status));
    expect(told.upa).toBe(this.upa);
    expect(told.ccno).toBe(this.payment.ccno);
  }

  /** Who paid, as merchants are told. */
  get upa() {
    return this.chosen ?? this.asked.bankcode ?? this.asked.upi_address;
  }

  knownOf(status) {
    const { transID, reference, mop, bill_amt, bill_currency, tdate } = this.payment;
    const [words] = STATUSES[status];
    const same = { transID, reference, mop, bill_amt, bill_currency, tdate };
    return { ...same, order_status: status, status: words };
  }

  /** The page that stays, whatever the customer's way back to the shop was. */
  async looksAtTheResult(status) {
    const page = await this.page.context().newPage();
    await page.goto(`${this.authurl}/result`);
    await this.expectHeading(STATUSES[status][1], page);
    await this.sees(`result-${status}`, page);
    await page.close();
  }

  /** Webhooks with these statuses have come, in this order and rightly signed. */
  async isToldOf(statuses) {
    const { shop, gateway } = this.house;
    const { transID } = this.payment;
    const came = () => shop.deliveries.filter(({ body }) => JSON.parse(body).transID === transID);
    const codes = () => came().map(({ body }) => JSON.parse(body).order_status);
    await expect.poll(codes, { timeout: 20_000 }).toEqual(statuses);
    const [secret] = (await gateway.terminal(this.terminal)).webhook_secrets;
    const names = new Set();
    for (const [at, { headers, body }] of came().entries()) {
      // Throws unless name, time and body are signed.
      const webhook = new Webhook(secret).verify(body, headers);
      expect(webhook).toMatchObject({ ...this.knownOf(statuses[at]), sequence: `${at + 1}` });
      expect(webhook.upa).toBe(this.upa);
      expect(webhook.ccno).toBe(this.payment.ccno);
      names.add(headers["webhook-id"]);
    }
    expect(names.size).toBe(statuses.length);
  }

  /** How it ended, for whoever asks; kept for the comparison with the bank's books. */
  async ends(statuses) {
    const status = statuses.at(-1);
    await this.isToldOf(statuses);
    const answer = await (await fetch(this.payment.authstatus)).json();
    expect(answer).toMatchObject(this.knownOf(status));
    expect(answer.upa).toBe(this.upa);
    expect(answer).not.toHaveProperty("authurl");
    expect(answer).not.toHaveProperty("authdata");
    await this.looksAtTheResult(status);
    const minor = Number(this.payment.bill_amt.replace(".", ""));
    this.house.ended.set(this.payment.transID, { statuses, minor });
  }
}
