// The customer pages in Debian's Chromium. Two sources of pages: "samples" are all templates with
// sample data (crates/web/examples/pages_preview.rs), "live" is the gateway's own binary.
//
//   npm ci
//   npx playwright test --project=samples
//   TOLLGATE_BINARY=../../target/release/tollgate npx playwright test

import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: ".",
  outputDir: "../../test-output/browser",
  reporter: [["list"]],
  timeout: 30_000,
  workers: 2,
  // One that passes at the second try is named at the end of the tests, to be mended.
  retries: 1,
  // Looks at one page after the other would keep one worker busy and the other idle.
  fullyParallel: true,
  forbidOnly: true,
  use: {
    browserName: "chromium",
    // Traces cost half of the run time: `npx playwright test --trace=retain-on-failure` has them.
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
      ],
    },
  },
  projects: [
    { name: "samples", testMatch: "samples.spec.js" },
    { name: "live", testMatch: "live.spec.js" },
    { name: "modes", testMatch: "modes.spec.js" },
    {
      name: "modes-postgres",
      testMatch: "modes.spec.js",
      grep: /on either database/,
      use: { database: "postgres" },
    },
    { name: "developers", testMatch: "developers.spec.js" },
    { name: "desks", testMatch: "desks.spec.js" },
    {
      name: "desks-postgres",
      testMatch: "desks.spec.js",
      grep: /on either database/,
      use: { database: "postgres" },
    },
  ],
});
