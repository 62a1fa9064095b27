// Checks UPI's links and merchants' QR codes with libraries that are not ours: Node's URL, and
// promptparse for EMVCo's texts and their checksum, in both directions. The argument is the
// program that writes and reads them, `target/debug/examples/upi_texts`. The last line says
// "N passed, N failed".
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { encode, parse, tag, withCrcTag } from "promptparse";

const program = process.argv[2];
let passed = 0;
let failed = 0;

function check(name, body) {
  try {
    body();
    passed += 1;
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${name}: ${error.message}`);
  }
}

function run(parameters, input) {
  const done = spawnSync(program, parameters, { input, encoding: "utf8" });
  assert.equal(done.status, 0, `${program}: ${done.error ?? done.stderr}`);
  return done.stdout.trim().split("\n").map((line) => JSON.parse(line));
}

const ascii = (text) => [...text].every((letter) => letter >= " " && letter <= "~");

function checkLink(sample) {
  const url = new URL(sample.link);
  assert.equal(`${url.protocol}//${url.host}${url.pathname}${url.hash}`, "upi://pay");
  assert.deepEqual([...url.searchParams], [
    ["pa", sample.address],
    ["pn", sample.name],
    ["mc", sample.category],
    ["tr", sample.reference],
    ["tn", sample.note],
    ["am", sample.amount],
    ["cu", "INR"],
  ]);
  assert.match(sample.link, /^[!-~]+$/);
  assert(!sample.link.includes("+"), "a blank is %20");
}

function checkCode(sample) {
  assert.match(sample.code, /^[ -~]+$/);
  const code = parse(sample.code, true, true);
  assert(code, "promptparse refused it");
  const tags = code.getTags().map((one) => one.id);
  const label = sample.reference.length <= 25 ? ["62"] : [];
  const expected = ["00", "01", "26", "27", "52", "53", "54", "58", "59", "60", ...label, "63"];
  assert.deepEqual(tags, expected);
  const values = {
    "00": "01", "01": "12", "52": sample.category, "53": "356", "54": sample.amount, "58": "IN",
  };
  for (const [id, value] of Object.entries(values)) assert.equal(code.getTagValue(id), value, id);
  assert.equal(code.getTagValue("26", "00"), "A000000524");
  assert.equal(code.getTagValue("26", "01"), sample.address);
  assert.equal(code.getTagValue("26", "02"), sample.amount);
  assert.equal(code.getTagValue("27", "00"), "A000000524");
  assert.equal(code.getTagValue("27", "01"), sample.reference);
  if (label.length) assert.equal(code.getTagValue("62", "05"), sample.reference);
  for (const [id, text, most] of [["59", sample.name, 25], ["60", sample.city, 15]]) {
    const written = code.getTagValue(id);
    assert(written.length >= 1 && written.length <= most, written);
    if (ascii(text)) assert.equal(written, text.slice(0, most).trimEnd());
  }
}

// Every character counts: none can be changed unseen.
function checkChecksum(sample) {
  for (let place = 0; place < sample.code.length - 4; place += 1) {
    const letter = sample.code[place] === "7" ? "8" : "7";
    const changed = sample.code.slice(0, place) + letter + sample.code.slice(place + 1);
    assert.equal(parse(changed, true, true), null, changed);
  }
}

const samples = run([]);
for (const sample of samples) {
  check(`link ${sample.link}`, () => checkLink(sample));
  check(`code ${sample.code}`, () => checkCode(sample));
  check(`checksum ${sample.code}`, () => checkChecksum(sample));
}

// What promptparse writes is read by ours.
const others = samples.map((sample) => {
  const npci = tag("00", "A000000524");
  const body = encode([
    tag("00", "01"),
    tag("02", "4392630000000085"),
    tag("26", encode([npci, tag("01", sample.address)])),
    tag("27", encode([npci, tag("01", sample.reference)])),
    tag("52", sample.category),
    tag("53", "356"),
    tag("54", sample.amount),
    tag("58", "IN"),
    tag("59", "Other Shop"),
    tag("60", "Mumbai"),
  ]);
  return withCrcTag(body, "63");
});
const read = run(["read"], others.join("\n"));
samples.forEach((sample, place) => {
  check(`reading ${others[place]}`, () => {
    assert.deepEqual(read[place], {
      address: sample.address,
      amount: sample.amount,
      category: sample.category === "0000" ? null : sample.category,
      city: "Mumbai",
      name: "Other Shop",
      reference: sample.reference,
    });
  });
});
const broken = run(["read"], others.map((text) => text.replace("Mumbai", "Numbai")).join("\n"));
check("a changed code is refused", () => {
  for (const answer of broken) assert.deepEqual(answer, { error: "has the wrong checksum" });
});

console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed || !passed ? 1 : 0;
