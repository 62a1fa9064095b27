// Every mode of payment, through the pages as a customer goes, to every end it can have.

import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { test as base, expect } from "./browser.js";
import { Customer, expectBooks, openHouse } from "./customer.js";

const test = base.extend({
  /** Of the project: a worker has one gateway. */
  database: ["sqlite", { option: true, scope: "worker" }],
  language: ["en", { option: true }],
  /** Names the screenshots; with axe on every page where it is Arabic. */
  look: ["live", { option: true }],
  /** Payments of one worker share a gateway, as in life; at the end all books are compared. */
  house: [
    async ({ database }, use, worker) => {
      const house = await openHouse(database);
      try {
        await use(house);
        await expectBooks(house);
      } finally {
        await house.close();
      }
      const slowest = [...house.firstBytes].sort(([, one], [, other]) => other - one).slice(0, 3);
      const told = slowest.map(([name, wait]) => `${name} ${wait.toFixed(1)} ms`).join(", ");
      console.log(
        `worker ${worker.workerIndex}, ${database}: ${house.created} payments, slowest pages ${told}`,
      );
    },
    { scope: "worker", timeout: 60_000 },
  ],
  customer: async ({ page, house, ownOrigins, language, look, javaScriptEnabled }, use) => {
    ownOrigins.add(house.gateway.url).add(house.shop.url);
    ownOrigins.add(house.gateway.url.replace("127.0.0.1", "localhost"));
    const hasScript = javaScriptEnabled !== false;
    const isThorough = language !== "en";
    await use(new Customer(page, house, { language, look, hasScript, isThorough }));
  },
});

/** What merchants are told at the end of each, in order. */
const ENDS = {
  approve: ["25"],
  decline: ["26"],
  cancel: ["23"],
  expire: ["22"],
  late: ["22", "25"],
  twice: ["25"],
};

/** Cards of the failure lab. */
const LATE_CARD = "4000000000701401";
const TOLD_TWICE_CARD = "4000000000701302";

const byCard = {
  async approve(customer, fields) {
    await customer.order(fields);
    await customer.opens();
    await customer.sees("challenge");
    await customer.answers("123 456");
    await customer.isBack("25");
  },
  async decline(customer, fields) {
    await customer.order(fields);
    await customer.opens();
    for (const left of [2, 1]) {
      await customer.answers("000000");
      await expect(customer.page.locator("#otp-tries")).toContainText(`${left}`);
    }
    await customer.sees("challenge-wrong");
    await customer.answers("000000");
    await customer.isBack("26");
  },
  async cancel(customer, fields) {
    await customer.order(fields);
    await customer.opens();
    await customer.press("cancel");
    await customer.isBack("23");
  },
  async expire(customer, fields) {
    await customer.order({ ...fields, seconds: 2 });
    await customer.opens();
    await customer.isBack("22");
  },
  /** The card's bank has a page of its own, and approves after the customer's time by itself. */
  async late(customer, fields) {
    await customer.order({ ...fields, ccno: LATE_CARD, seconds: 4 });
    await customer.opens();
    await customer.isAtBank("Sandbox Bank");
    await customer.sees("sandbox-issuer");
    await customer.isToldOf(["22"]);
    await customer.looksAtTheResult("22");
    await customer.isToldOf(["22", "25"]);
    await customer.opens();
    await customer.isBack("25");
  },
  /** Decided in the call of the merchant's server: the customer has nothing to do. */
  async twice(customer, fields) {
    await customer.order({ ...fields, ccno: TOLD_TWICE_CARD });
    expect(customer.payment).toMatchObject({ order_status: "25", status: "Test Approved" });
    expect(customer.payment).not.toHaveProperty("authurl");
    await customer.page.goto(customer.authurl);
    await customer.isBack("25");
  },
};

/** Credit and debit cards differ in their brand, and in where the customer gives up. */
const byDebitCard = {
  ...byCard,
  async cancel(customer, fields) {
    await customer.order({ ...fields, ccno: LATE_CARD });
    await customer.opens();
    await customer.isAtBank("Sandbox Bank");
    await customer.press("sandbox-cancel");
    await customer.isBack("23");
  },
};

/** The customer is back from the bank and has not decided there. */
async function comesBackUndecided(customer) {
  await customer.page.goto(`${customer.authurl}/return`);
  await customer.expectHeading("at-bank-heading");
  await customer.sees("at-bank");
  // Looking again decides nothing, and does not lead away.
  await customer.page.getByRole("link", { name: customer.text("check-now") }).click();
  await customer.expectHeading("at-bank-heading");
}

/** The shop names no bank; the customer finds one, of those that want a form. */
const byChosenBank = {
  async approve(customer, fields) {
    await customer.order(fields);
    await customer.opens();
    await customer.isHandedOver(() => customer.chooses("bank", "HDFC Bank"));
    customer.chosen = "HDFC";
    await customer.isAtBank("HDFC Bank");
    await customer.decides("approve");
    await customer.isBack("25");
  },
  /** Decided in another tab while the first one waits. */
  async decline(customer, fields) {
    await customer.order(fields);
    await customer.opens();
    await customer.chooses("bank", "State Bank of India");
    customer.chosen = "SBIN";
    await customer.isAtBank("State Bank of India");
    const counter = customer.page.url();
    await comesBackUndecided(customer);
    const back = customer.page.getByRole("link", { name: customer.text("at-bank-button") });
    const [bank] = await Promise.all([
      customer.page.context().waitForEvent("page"),
      back.click({ modifiers: ["Control"] }),
    ]);
    await expect(bank).toHaveURL(counter);
    await customer.hears(() => customer.decides("decline", bank));
    await customer.isBack("26", bank);
    await customer.isBack("26");
  },
  async cancel(customer, fields) {
    await customer.order(fields);
    await customer.opens();
    await customer.isHandedOver(() => customer.chooses("bank", "Punjab National Bank"));
    customer.chosen = "PUNB";
    await customer.decides("cancel");
    await customer.isBack("23");
  },
  /** The list is left open; a bank that is chosen too late is not asked. */
  async expire(customer, fields) {
    await customer.order({ ...fields, seconds: 2 });
    await customer.opens();
    await customer.expectHeading("pick-bank-heading");
    await customer.isToldOf(["22"]);
    await customer.page.getByRole("button", { name: "HDFC Bank" }).click();
    await customer.isBack("22");
  },
  /** The customer approves when the shop has given up. */
  async late(customer, fields) {
    await customer.order({ ...fields, bankcode: "SBIN", seconds: 4 });
    await customer.opens();
    await customer.isAtBank("State Bank of India");
    await customer.isToldOf(["22"]);
    await customer.looksAtTheResult("22");
    await customer.decides("approve");
    await customer.isBack("25");
  },
  /** The bank decides by itself and sends its notice twice; the customer finds it decided. */
  async twice(customer, fields) {
    await customer.order({ ...fields, bankcode: "LABTWICE" });
    await customer.opens();
    await customer.isAtBank("Test case: Told twice");
    await customer.isToldOf(["25"]);
    await customer.page.reload();
    await customer.expectHeading("sandbox-state-paid");
    await customer.sees("sandbox-bank-paid");
    await customer.page.getByRole("link", { name: customer.text("sandbox-back") }).click();
    await customer.isBack("25");
  },
};

/** The shop names the wallet. */
const byNamedWallet = {
  async approve(customer, fields) {
    await customer.order({ ...fields, bankcode: "PAYTM" });
    await customer.opens();
    await customer.isAtBank("Paytm");
    await customer.decides("approve");
    await customer.isBack("25");
  },
  async decline(customer, fields) {
    await customer.order({ ...fields, bankcode: "MOBIKWIK" });
    expect(customer.authdata.action).toBe("postrequest");
    await customer.isHandedOver(() => customer.opens());
    await customer.isAtBank("MobiKwik");
    await customer.decides("decline");
    await customer.isBack("26");
  },
  async cancel(customer, fields) {
    await customer.order({ ...fields, bankcode: "PHONEPE" });
    await customer.opens();
    await customer.isAtBank("PhonePe");
    await comesBackUndecided(customer);
    await customer.press("cancel");
    await customer.isBack("23");
  },
  async expire(customer, fields) {
    await customer.order({ ...fields, bankcode: "AMAZON", seconds: 4 });
    await customer.opens();
    await customer.isAtBank("Amazon Pay");
    await comesBackUndecided(customer);
    await customer.isBack("22");
  },
  async late(customer, fields) {
    await customer.order({ ...fields, bankcode: "MOBIKWIK", seconds: 4 });
    await customer.isHandedOver(() => customer.opens());
    await customer.isToldOf(["22"]);
    await customer.looksAtTheResult("22");
    await customer.decides("approve");
    await customer.isBack("25");
  },
  twice: byChosenBank.twice,
};

/** The page waits while the customer's phone is asked. */
const byRequest = {
  async approve(customer, fields) {
    await customer.order(fields);
    await customer.opens();
    await customer.expectHeading("upi-wait-heading");
    await customer.sees("upi-wait");
    const phone = await customer.takesThePhone();
    await customer.hears(() => customer.decides("approve", phone));
    await customer.expectHeading("sandbox-state-paid", phone);
    await customer.isBack("25");
  },
  async decline(customer, fields) {
    await customer.order(fields);
    await customer.opens();
    const phone = await customer.takesThePhone();
    await customer.hears(() => customer.decides("decline", phone));
    await customer.expectHeading("sandbox-state-refused", phone);
    await customer.sees("sandbox-upi-refused", phone);
    await customer.isBack("26");
  },
  async cancel(customer, fields) {
    await customer.order(fields);
    await customer.opens();
    await customer.expectHeading("upi-wait-heading");
    await customer.press("cancel");
    await customer.isBack("23");
  },
  async expire(customer, fields) {
    await customer.order({ ...fields, seconds: 2 });
    await customer.opens();
    await customer.isBack("22");
  },
  async late(customer, fields) {
    await customer.order({ ...fields, seconds: 4 });
    await customer.opens();
    const phone = await customer.takesThePhone();
    await customer.isBack("22");
    await customer.isToldOf(["22"]);
    await customer.looksAtTheResult("22");
    await customer.decides("approve", phone);
  },
  async twice(customer, fields) {
    await customer.order({ ...fields, upi_address: "twice@sandbox" });
    await customer.hears(() => customer.opens());
    await customer.isBack("25");
  },
};

/** What a camera reads off the page. */
async function scanned(customer, testInfo) {
  const file = testInfo.outputPath("code.png");
  const picture = customer.page.getByRole("img", { name: customer.text("upi-qr-picture") });
  await writeFile(file, await picture.screenshot());
  const { stdout } = await promisify(execFile)("zbarimg", ["--raw", "--quiet", file]);
  return stdout.trimEnd();
}

/** The page shows a code; on a phone, first the way into the app. */
const byCode = {
  async approve(customer, fields, testInfo) {
    await customer.order(fields);
    await customer.opens();
    await customer.expectHeading("upi-qr-heading");
    await customer.sees("upi-qr");
    expect(await scanned(customer, testInfo)).toBe(customer.authdata.payaddress);
    const phone = await customer.takesThePhone();
    await customer.hears(() => customer.decides("approve", phone));
    await customer.isBack("25");
  },
  async decline(customer, fields, testInfo) {
    await customer.order({ ...fields, os: "device_android" });
    const { payaddress } = customer.authdata;
    await customer.opens();
    const button = customer.page.getByRole("link", { name: customer.text("upi-qr-open") });
    await expect(button).toHaveAttribute("href", payaddress);
    await expect(customer.page.locator(".qr")).toBeHidden();
    await customer.sees("upi-qr-phone");
    await customer.page.getByText(customer.text("upi-qr-show")).click();
    await customer.sees("upi-qr-phone-open");
    expect(await scanned(customer, testInfo)).toBe(payaddress);
    const phone = await customer.takesThePhone();
    await customer.hears(() => customer.decides("decline", phone));
    await customer.isBack("26");
  },
  async cancel(customer, fields) {
    await customer.order(fields);
    await customer.opens();
    const phone = await customer.takesThePhone();
    await customer.hears(() => customer.decides("cancel", phone));
    await customer.isBack("23");
  },
  expire: byRequest.expire,
  late: byRequest.late,
  async twice(customer, fields) {
    await customer.order({ ...fields, bill_amt: "77.02" });
    await customer.hears(() => customer.opens());
    await customer.isBack("25");
  },
};

const MODES = [
  [{ mop: "CC" }, byCard],
  [{ mop: "DC", ccno: "5111111111111111" }, byDebitCard],
  [{ mop: "NB" }, byChosenBank],
  [{ mop: "WALLET" }, byNamedWallet],
  [{ mop: "UPICOLLECT", upi_address: "9355555555@ptyes" }, byRequest],
  [{ mop: "QRINTENT" }, byCode],
];

function everyMode(ends) {
  for (const [fields, ways] of MODES) {
    for (const end of ends) {
      test(`${fields.mop}: ${end}`, async ({ customer }, testInfo) => {
        await ways[end](customer, fields, testInfo);
        await customer.ends(ENDS[end]);
      });
    }
  }
}

test.describe("on either database", () => {
  everyMode(Object.keys(ENDS));

  test("WALLET: late, and the terminal sends it back", async ({ customer }) => {
    const flags = ["--late-approval", "reverse"];
    await customer.order({ mop: "WALLET", bankcode: "PAYTM", seconds: 4, flags });
    await customer.opens();
    await customer.isAtBank("Paytm");
    await customer.isToldOf(["22"]);
    await customer.decides("approve");
    await customer.ends(["22", "7"]);
  });
});

test("UPICOLLECT: where requests are withdrawn, a code stands instead", async ({ customer }, testInfo) => {
  const bharat = ["--qr-format", "bharat_qr", "--merchant-city", "Pune"];
  const flags = ["--upi-collect", "convert_to_qr", ...bharat];
  await customer.order({ mop: "UPICOLLECT", upi_address: "9355555555@ptyes", seconds: 60, flags });
  await customer.opens();
  await expect(customer.page.getByRole("note")).toContainText(customer.text("upi-qr-replaced"));
  await customer.sees("upi-qr-replaced");
  const { payaddress, authdata } = customer.authdata;
  expect(payaddress).toMatch(/^upi:\/\/pay\?/);
  expect(authdata.qr).toMatch(/^000201/);
  expect(await scanned(customer, testInfo)).toBe(authdata.qr);
  const phone = await customer.takesThePhone();
  await customer.hears(() => customer.decides("approve", phone));
  await customer.isBack("25");
  await customer.ends(["25"]);
});

test("WALLET: what a bank posts on the way back is not read", async ({ customer }) => {
  await customer.order({ mop: "WALLET", bankcode: "PHONEPE" });
  await customer.opens();
  await customer.isAtBank("PhonePe");
  const answer = await fetch(`${customer.authurl}/return`, {
    method: "POST",
    headers: { origin: "https://bank.example", "sec-fetch-site": "cross-site" },
    body: new URLSearchParams({ cancel: "1", order_status: "25" }),
  });
  expect(answer.status).toBe(200);
  await customer.decides("decline");
  await customer.isBack("26");
  await customer.ends(["26"]);
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false, look: "no-script" });
  everyMode(["approve", "decline", "cancel", "expire"]);
});

test.describe("Arabic, on a small screen", () => {
  test.use({
    language: "ar",
    locale: "ar",
    look: "live-arabic",
    viewport: { width: 320, height: 640 },
  });
  everyMode(["approve"]);
});
