// One browser for a test file, a fresh profile for each test, and a knowledge base of its own for each test, so that
// tests need nothing of each other and nothing that the server held before.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test as nodeTest } from "node:test";
import { chromium } from "playwright-core";

export const base = (process.env.QUINTET_URL ?? "").replace(/\/$/, "");
/** A loopback origin that the server was started to allow the widget on. */
export const allowedOrigin = process.env.QUINTET_ALLOWED_ORIGIN ?? "http://127.0.0.1:8398";
/** A model that streams slowly enough to be stopped; tests that need one are skipped without. */
export const slowModel = "scripted:slow";

let browser;
before(async () => {
  browser = await chromium.launch({
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
});
after(() => browser?.close());

/** Faults that a page must never have, whatever a test looks at. */
function watch(page, faults, allowed) {
  page.on("pageerror", (error) => faults.push(`page error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() !== "error") return;
    // The browser logs every answer above 399; those a test provokes it checks itself.
    if (/Failed to load resource/.test(message.text())) return;
    faults.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (!/^https?:$/.test(protocol) || origin === base || allowed.includes(origin)) return;
    faults.push(`request to another host: ${request.url()}`);
  });
}

/**
 * A test with `{ open, kb, t }`: `open(options)` gives a page in a new profile, `kb` is the name of a knowledge base
 * with `entries`. The test fails when a page logged an error or asked any other host for something.
 */
export function test(name, { entries = sampleEntries, faultsAllowed = false, origins = [] } = {}, body) {
  nodeTest(name, { timeout: 120_000 }, async (t) => {
    const kb = await makeKb(entries);
    const contexts = [];
    const faults = [];
    const open = async (options = {}) => {
      const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
      context.setDefaultTimeout(10_000);
      contexts.push(context);
      const page = await context.newPage();
      if (!faultsAllowed) watch(page, faults, origins);
      return page;
    };
    try {
      await body({ open, kb, t });
      assert.deepEqual(faults, []);
    } catch (error) {
      const page = contexts.at(-1)?.pages()[0];
      if (page && process.env.QUINTET_SHOTS) {
        await page.screenshot({ path: `${process.env.QUINTET_SHOTS}/${name.replace(/\W+/g, "-")}.png` });
      }
      throw error;
    } finally {
      for (const context of contexts) await context.close();
      await api("DELETE", `/api/faq/kbs/${kb}`).catch(() => undefined);
    }
  });
}

export async function api(method, path, body) {
  const response = await fetch(base + path, {
    method,
    headers: {
      ...(body !== undefined && { "Content-Type": "application/json" }),
      ...(process.env.QUINTET_KEY && { Authorization: `Bearer ${process.env.QUINTET_KEY}` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === "" ? null : JSON.parse(text);
}

let counter = 0;
export const freshName = (prefix) => `${prefix}-${process.pid}-${Date.now().toString(36)}-${++counter}`;

export async function makeKb(entries) {
  const name = freshName("browser");
  await api("POST", "/api/faq/kbs", {
    name,
    title: `Help ${counter}`,
    description: "What the tests ask about.",
  });
  for (const entry of entries) await api("POST", `/api/faq/kbs/${name}/entries`, entry);
  return name;
}

const entry = (question, answer, rest = {}) => ({
  question,
  answer,
  alternatives: [],
  tags: [],
  language: "en",
  url: "",
  ...rest,
});

export const sampleEntries = [
  entry("How long does delivery take?", "Parcels arrive within **four working days**.", {
    alternatives: ["When will my parcel arrive?"],
    tags: ["delivery"],
    url: "https://shop.example/delivery",
  }),
  entry("How do I return an article?", "Open *Orders*, choose **Return** and print the label."),
  entry("How do I reset my password?", "Choose **Forgot password** on the sign-in page."),
  entry("Which payment methods are accepted?", "Cards and bank transfer, from $5 to $500."),
  entry("Is there a warranty on bicycles?", "Bicycles have a warranty of two years."),
  entry("Where is the repair workshop?", "The workshop is in Harbour Street 4."),
];

export const outsideQuestion = "Why do whales sing beneath the Antarctic ice?";

/** Opens the chat on a knowledge base. */
export async function openChat(page, kb) {
  await page.goto(`${base}/faq`);
  await page.getByLabel("Knowledge base", { exact: true }).selectOption(kb);
  await page.getByRole("textbox", { name: "Your question" }).waitFor();
}

export async function ask(page, question) {
  const field = page.getByRole("textbox", { name: "Your question" });
  await field.fill(question);
  await field.press("Enter");
}

/** The answer that is complete: its actions are there. */
export async function lastAnswer(page) {
  await page.getByRole("button", { name: "Send" }).waitFor();
  const answer = page.getByRole("article", { name: "Answer" }).last();
  await answer.getByRole("button", { name: "Copy answer" }).waitFor();
  return answer;
}

export async function hasSlowModel() {
  return (await api("GET", "/api/info")).models.some((model) => model.id === slowModel);
}

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Accessibility faults by WCAG 2.2 A and AA, as "rule: element". */
export async function accessibilityFaults(page) {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { violations } = await window.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    });
    return violations.flatMap((rule) =>
      rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 160)} ${node.any[0]?.message ?? ""}`),
    );
  });
}

/** By how many pixels the page is wider than its window. */
export const overflowOf = (page) =>
  page.evaluate(() => {
    const main = document.querySelector("main");
    return Math.max(document.documentElement.scrollWidth - innerWidth, main.scrollWidth - main.clientWidth);
  });

/** Waits until `check` holds: for what the page shows a moment after the server has answered. */
export async function eventually(check, what, timeoutMs = 10_000) {
  const end = Date.now() + timeoutMs;
  for (;;) {
    if (await check()) return;
    if (Date.now() > end) assert.fail(`still not so: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
