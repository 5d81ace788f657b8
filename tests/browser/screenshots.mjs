// Saves the main pages at 390 and 1440 px, light and dark, to docs/screenshots/ from the server at $QUINTET_URL.
//   QUINTET_URL=http://127.0.0.1:8321 node screenshots.mjs [folder [page]...]
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { chromium } from "playwright-core";

const base = process.env.QUINTET_URL;
if (!base) {
  console.error("screenshots.mjs: set QUINTET_URL to the address of a running server");
  process.exit(2);
}
const folder = process.argv[2] ?? path.join(import.meta.dirname, "../../docs/screenshots");
const wanted = process.argv.slice(3);
await mkdir(folder, { recursive: true });

const info = await (await fetch(`${base}/api/info`)).json();
const { kbs } = await (await fetch(`${base}/api/faq/kbs`)).json();
const kb = kbs.find((item) => item.name === info.default_kb) ?? kbs[0];
const { entries } = await (await fetch(`${base}/api/faq/kbs/${kb.name}/entries?limit=5`)).json();

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});

async function askAll(page) {
  const field = page.getByRole("textbox", { name: "Your question" });
  for (const question of [kb.suggested[0], "What is the airspeed of an unladen swallow?"].filter(Boolean)) {
    await field.fill(question);
    await field.press("Enter");
    await page.waitForTimeout(150);
    await page.getByRole("button", { name: "Send" }).waitFor();
  }
}

const pages = [
  ["home", "/faq"],
  ["chat", "/faq", askAll],
  ["knowledge", `/faq/knowledge/${kb.name}/entries/${entries[0]?.id ?? ""}`],
  ["inbox", "/faq/inbox"],
  ["insights", "/faq/insights"],
  ["widget", "/faq/widget"],
  ["models", "/models"],
].filter(([name]) => wanted.length === 0 || wanted.includes(name));
for (const [width, height] of [
  [1440, 900],
  [390, 844],
]) {
  for (const colorScheme of ["light", "dark"]) {
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme,
      reducedMotion: "reduce",
    });
    for (const [name, address, act] of pages) {
      const page = await context.newPage();
      await page.goto(base + address);
      await page.waitForLoadState("networkidle");
      await act?.(page);
      await page.waitForTimeout(500);
      await page.screenshot({ path: path.join(folder, `${name}-${width}-${colorScheme}.png`) });
      await page.close();
    }
    await context.close();
  }
}
await browser.close();
