import assert from "node:assert/strict";
import {
  accessibilityFaults as faults,
  ask,
  base,
  eventually,
  lastAnswer,
  openChat,
  outsideQuestion,
  overflowOf,
  test,
} from "./harness.mjs";

const settled = (page) => page.waitForTimeout(400);

for (const colorScheme of ["light", "dark"]) {
  test(`the chat has no accessibility fault (${colorScheme})`, {}, async ({ open, kb }) => {
    const page = await open({ colorScheme, reducedMotion: "reduce" });
    await openChat(page, kb);
    assert.deepEqual(await faults(page), [], "empty");
    await ask(page, "How long does delivery take?");
    await (await lastAnswer(page)).getByRole("button", { name: "Details" }).click();
    await ask(page, outsideQuestion);
    await eventually(
      async () => (await page.getByRole("article", { name: "Answer" }).count()) === 2,
      "two answers",
    );
    await (await lastAnswer(page)).getByRole("button", { name: "Bad answer" }).click();
    await settled(page);
    assert.deepEqual(await faults(page), [], "with answers");
    await page.locator(".source").first().click();
    await page.getByRole("dialog").getByRole("heading", { name: "How long does delivery take?" }).waitFor();
    assert.deepEqual(await faults(page), [], "with an entry");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await settled(page);
    assert.deepEqual(await faults(page), [], "with the palette");
  });

  for (const [name, path] of [
    ["list of knowledge bases", () => "/faq/knowledge"],
    ["editor", (kb) => `/faq/knowledge/${kb}/new`],
    ["history", (kb) => `/faq/knowledge/${kb}/history`],
    ["inbox", () => "/faq/inbox"],
    ["insights", () => "/faq/insights"],
    ["widget page", () => "/faq/widget"],
    ["models page", () => "/models"],
    ["widget itself", (kb) => `/widget?kb=${kb}`],
    ["missing page", () => "/no/such/page"],
  ]) {
    test(`the ${name} has no accessibility fault (${colorScheme})`, {}, async ({ open, kb }) => {
      for (const viewport of [
        { width: 1440, height: 900 },
        { width: 390, height: 844 },
      ]) {
        const page = await open({ colorScheme, viewport, reducedMotion: "reduce" });
        await page.addInitScript((chosen) => localStorage.setItem("quintet.kb", chosen), kb);
        await page.goto(base + path(kb));
        await page.getByRole("heading").first().waitFor();
        await settled(page);
        assert.deepEqual(await faults(page), [], `${viewport.width} px`);
      }
    });
  }
}

test("the theme follows the system until one is chosen", {}, async ({ open, kb }) => {
  const page = await open({ colorScheme: "dark" });
  await openChat(page, kb);
  const brightness = () =>
    page.evaluate(() => Number(/\d+/.exec(getComputedStyle(document.documentElement).backgroundColor)[0]));
  assert.ok((await brightness()) < 60);
  await page.getByRole("button", { name: /^Theme: system/ }).click();
  assert.ok((await brightness()) > 200);
  await page.reload();
  assert.ok((await brightness()) > 200, "the choice is kept");
});

test("every page fits a phone", {}, async ({ open, kb }) => {
  const page = await open({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await openChat(page, kb);
  await ask(page, "How long does delivery take?");
  await lastAnswer(page);
  await page.getByRole("button", { name: "Conversations" }).click();
  await page.getByRole("dialog", { name: "Conversations" }).getByRole("button", { name: "New chat" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  for (const path of [
    "",
    "/knowledge",
    `/knowledge/${kb}`,
    `/knowledge/${kb}/new`,
    `/knowledge/${kb}/history`,
    "/inbox",
    "/insights",
    "/widget",
  ]) {
    await page.goto(`${base}/faq${path}`);
    await page.locator("main").waitFor();
    await settled(page);
    const overflow = await overflowOf(page);
    assert.ok(overflow <= 0, `${path} is ${overflow} px too wide`);
  }
});

test("everything in the chat works from the keyboard", {}, async ({ open, kb }) => {
  const page = await open();
  await openChat(page, kb);
  await page.goto(`${base}/faq`);
  await page.getByRole("textbox", { name: "Your question" }).waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the page");
  await page.keyboard.press("Enter");
  await page.keyboard.press("i");
  await page.keyboard.type("How long does delivery take?");
  await page.keyboard.press("Enter");
  await lastAnswer(page);
  await page.keyboard.press("ArrowUp");
  assert.equal(
    await page.getByRole("textbox", { name: "Your question" }).inputValue(),
    "How long does delivery take?",
  );
  await page.getByRole("textbox", { name: "Your question" }).fill("");

  const focusIs = (selector) => page.evaluate((css) => document.activeElement.matches(css), selector);
  for (let i = 0; i < 25 && !(await focusIs(".source")); ++i) await page.keyboard.press("Shift+Tab");
  assert.ok(await focusIs(".source"), "the entry is reached");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.notEqual(outline, "none", "the focus shows");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "Entry" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.ok(await focusIs(".source"), "the focus is back");

  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  assert.ok(await focusIs("#conversation-search"));
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("insi");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Insights" }).waitFor();
  await page.keyboard.press("n");
  await page.waitForURL(/\/faq$/);
});

test("streaming neither shifts what was read nor pulls the reader down", {}, async ({ open, kb }) => {
  const page = await open({ viewport: { width: 900, height: 480 } });
  await openChat(page, kb);
  for (let n = 1; n <= 4; ++n) {
    await ask(page, "How long does delivery take?");
    await eventually(
      async () => (await page.getByRole("article", { name: "Answer" }).count()) === n,
      `answer ${n}`,
    );
    await lastAnswer(page);
  }
  const scroller = page.locator(".chat-scroll");
  const atEnd = () => scroller.evaluate((el) => el.scrollHeight - el.scrollTop - el.clientHeight < 50);
  assert.ok(await atEnd(), "new answers are in view");
  await scroller.hover();
  await page.mouse.wheel(0, -600);
  await page.getByRole("button", { name: "Latest" }).waitFor();
  await page.getByRole("button", { name: "Latest" }).click();
  await eventually(atEnd, "back at the end");
});
