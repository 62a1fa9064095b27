// People who sign in: what their authenticator app does, and how they get in.

import { createHmac } from "node:crypto";
import { expect } from "./browser.js";

export const PASSWORD = "correct horse battery";

function fromBase32(text) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  let bits = "";
  for (const letter of text.replaceAll(" ", "")) {
    bits += letters.indexOf(letter).toString(2).padStart(5, "0");
  }
  const bytes = bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2));
  return Buffer.from(bytes);
}

/** RFC 6238: the code of a step of thirty seconds. */
function codeOf(secret, step) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const digest = createHmac("sha1", fromBase32(secret)).update(counter).digest();
  const offset = digest[19] & 15;
  const number = (digest.readUInt32BE(offset) & 0x7fffffff) % 1_000_000;
  return String(number).padStart(6, "0");
}

/** Somebody with an app: a code is good once, so that the next sign-in takes the next one. */
export class Person {
  constructor(email, secret) {
    this.email = email;
    this.secret = secret;
    this.step = 0;
  }

  /** The next code that was not used; the gateway takes that of the next half minute too. */
  async code() {
    const now = () => Math.floor(Date.now() / 30_000);
    while (this.step + 1 > now() + 1) await new Promise((done) => setTimeout(done, 500));
    this.step = Math.max(this.step + 1, now());
    return codeOf(this.secret, this.step);
  }
}

/** Follows an invitation; the page with the recovery codes is open afterwards. */
export async function accept(page, link, name) {
  await page.goto(link);
  const secret = await page.locator("#totp-secret").textContent();
  const email = await page.locator("main strong", { hasText: "@" }).textContent();
  const person = new Person(email, secret);
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByLabel("Code that the app shows now").fill(await person.code());
  await page.getByRole("button", { name: "Join" }).click();
  await expect(page.getByRole("heading", { name: "Keep your recovery codes" })).toBeVisible();
  person.recovery = await page.locator("#recovery-codes code").allTextContents();
  expect(person.recovery).toHaveLength(10);
  return person;
}

/** Signs in with a recovery code where there is one left, which needs no waiting for the next half minute. */
export async function signIn(page, url, person) {
  await page.goto(`${url}/account/sign-in`);
  await page.getByLabel("E-mail address").fill(person.email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByLabel("Code", { exact: true }).fill(person.recovery.pop() ?? (await person.code()));
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { level: 1 })).not.toHaveText("Sign in");
}

/** What a command that invites prints. */
export async function invited(gateway, ...args) {
  return JSON.parse(await gateway.run(...args, "--json")).link.replace(/^https?:\/\/[^/]+/, gateway.url);
}
