import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import {
  api,
  ask,
  base,
  eventually,
  hasSlowModel,
  lastAnswer,
  openChat,
  outsideQuestion,
  sampleEntries,
  slowModel,
  test,
} from "./harness.mjs";

const question = "How long does delivery take?";

test("a question is answered with the entry it came from", {}, async ({ open, kb }) => {
  const page = await open();
  await openChat(page, kb);
  await ask(page, question);
  const answer = await lastAnswer(page);
  assert.match(await answer.innerText(), /four working days/);
  await answer
    .getByRole("list", { name: "Entries this answer came from" })
    .getByRole("button")
    .first()
    .click();
  const panel = page.getByRole("dialog", { name: "Entry" });
  await panel.getByRole("heading", { name: question }).waitFor();
  const text = await panel.innerText();
  assert.match(text, /four working days/);
  assert.match(text, /delivery/);
  assert.match(text, /Used \d+ time/);
  assert.match(
    (await panel.getByRole("link", { name: "Edit entry" }).getAttribute("href")) ?? "",
    new RegExp(kb),
  );
  await page.keyboard.press("Escape");
  await panel.waitFor({ state: "detached" });
});

test("an answer streams in, is stopped, keeps what came, and is tried again", {}, async ({ open, kb, t }) => {
  if (!(await hasSlowModel())) return t.skip(`the server has no ${slowModel}`);
  const page = await open();
  await openChat(page, kb);
  await page.getByLabel("Model").selectOption(slowModel);
  await ask(page, question);
  const answer = page.getByRole("article", { name: "Answer" }).last();
  const text = () =>
    answer
      .locator(".markdown")
      .innerText()
      .catch(() => "");
  await eventually(async () => (await text()).length > 3, "some text is shown");
  const early = (await text()).length;
  await eventually(async () => (await text()).length > early, "the text grows");
  await page.getByRole("button", { name: "Stop" }).click();
  await answer.getByText("You stopped this answer.").waitFor();
  const kept = (await text()).length;
  assert.ok(kept >= early);
  await page.reload();
  await page.getByText("You stopped this answer.").waitFor();
  await page.getByRole("button", { name: "Retry" }).click();
  await eventually(async () => (await text()).length > 0, "the answer begins again");
  await page.keyboard.press("Escape");
  await page.getByText("You stopped this answer.").waitFor();
});

test("an answer that streams goes on after a reload", {}, async ({ open, kb, t }) => {
  if (!(await hasSlowModel())) return t.skip(`the server has no ${slowModel}`);
  const page = await open();
  await openChat(page, kb);
  await page.getByLabel("Model").selectOption(slowModel);
  await ask(page, question);
  const text = () =>
    page
      .getByRole("article", { name: "Answer" })
      .last()
      .locator(".markdown")
      .innerText()
      .catch(() => "");
  await eventually(async () => (await text()).length > 3, "some text is shown");
  const before = (await text()).trim();
  await page.reload();
  await eventually(
    async () => (await text()).trim().length > before.length,
    "more text than before the reload",
    30_000,
  );
  assert.ok((await text()).startsWith(before.slice(0, 3)), "the text begins as before");
});

test("a rating stays, and a bad one takes a comment", {}, async ({ open, kb }) => {
  const page = await open();
  await openChat(page, kb);
  await ask(page, question);
  const answer = await lastAnswer(page);
  const up = answer.getByRole("button", { name: "Good answer" });
  const down = answer.getByRole("button", { name: "Bad answer" });
  await up.click();
  assert.equal(await up.getAttribute("aria-pressed"), "true");
  await down.click();
  await answer.getByLabel("What was wrong?").fill("Too vague");
  await answer.getByRole("button", { name: "Send comment" }).click();
  await page.getByText("Thank you for the comment").waitFor();
  await page.reload();
  await lastAnswer(page);
  assert.equal(await down.getAttribute("aria-pressed"), "true");
  assert.equal(await up.getAttribute("aria-pressed"), "false");
});

test("follow-up questions stay in one conversation", {}, async ({ open, kb }) => {
  const page = await open();
  await openChat(page, kb);
  await ask(page, question);
  await lastAnswer(page);
  const { pathname } = new URL(page.url());
  assert.match(pathname, /^\/faq\/c\//);
  await ask(page, "How do I reset my password?");
  await eventually(
    async () => (await page.getByRole("article", { name: "Answer" }).count()) === 2,
    "two answers",
  );
  assert.match(await (await lastAnswer(page)).innerText(), /Forgot password/);
  assert.equal(new URL(page.url()).pathname, pathname);
  await page.getByText("2 questions").waitFor();
});

test("an answer is copied as Markdown", {}, async ({ open, kb }) => {
  const page = await open({ permissions: ["clipboard-read", "clipboard-write"] });
  await openChat(page, kb);
  await ask(page, question);
  await (await lastAnswer(page)).getByRole("button", { name: "Copy answer" }).click();
  await page.getByText("Copied").waitFor();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /\*\*four working days\*\*/);
});

test("a question outside is refused, and the nearest one can be asked", {}, async ({ open, kb }) => {
  const page = await open();
  await openChat(page, kb);
  await ask(page, outsideQuestion);
  const refused = await lastAnswer(page);
  await refused.getByText("Not covered by this knowledge base").waitFor();
  const nearest = refused.getByRole("region", { name: "Nearest questions" }).getByRole("button");
  if ((await nearest.count()) === 0) {
    // Nothing of the question is known at all: one closer to an entry has neighbours.
    await ask(page, "How long does the delivery of a whale to the Antarctic workshop take?");
    await lastAnswer(page);
  }
  const button = page.getByRole("region", { name: "Nearest questions" }).last().getByRole("button").first();
  const asked = await button.locator("span").first().innerText();
  await button.click();
  await eventually(
    async () => (await page.getByRole("article", { name: "You asked" }).last().innerText()) === asked,
    "it was asked",
  );
  assert.doesNotMatch(await (await lastAnswer(page)).innerText(), /Not covered/);
});

test("a suggested question is asked with a click", {}, async ({ open, kb }) => {
  const page = await open();
  await openChat(page, kb);
  const suggestion = page.getByRole("list", { name: "Suggested questions" }).getByRole("button").first();
  const text = await suggestion.innerText();
  assert.ok(sampleEntries.some((entry) => entry.question === text));
  await suggestion.click();
  await page.getByRole("article", { name: "You asked" }).getByText(text).waitFor();
  await lastAnswer(page);
});

test("conversations are searched, renamed, deleted and brought back", {}, async ({ open, kb }) => {
  const page = await open();
  await openChat(page, kb);
  await ask(page, "Is there a warranty on bicycles?");
  await lastAnswer(page);
  const title = `Bicycles ${Date.now()}`;
  const list = page.getByRole("navigation", { name: "Conversations" });
  const current = list.locator("li.is-current");
  await current.hover();
  await current.getByRole("button", { name: /^Actions for/ }).click();
  await page.getByRole("button", { name: "Rename" }).click();
  const field = list.getByLabel("Conversation title");
  await field.fill(title);
  await field.press("Enter");
  await list.getByRole("link", { name: title }).waitFor();
  await page.reload();
  await list.getByRole("link", { name: title }).waitFor();

  const search = list.getByRole("searchbox", { name: "Search conversations" });
  await search.fill(title);
  await eventually(async () => (await list.getByRole("listitem").count()) === 1, "one conversation matches");
  await search.fill("no conversation has these words");
  await list.getByText("No conversation matches.").waitFor();
  await search.fill(title);

  const remove = async () => {
    await list.getByRole("button", { name: `Actions for ${title}` }).click({ force: true });
    await page.getByRole("button", { name: "Delete" }).click();
    await list.getByRole("link", { name: title }).waitFor({ state: "detached" });
  };
  await remove();
  await page.getByRole("button", { name: "Undo" }).click();
  await list.getByRole("link", { name: title }).waitFor();
  await remove();
  await page.goto("about:blank"); // closing the page must not bring it back
  await eventually(async () => {
    const found = await api("GET", `/api/conversations?query=${encodeURIComponent(title)}`);
    return found.conversations.length === 0;
  }, "the server has deleted it");
});

test("a conversation is exported as Markdown", {}, async ({ open, kb }) => {
  const page = await open();
  await openChat(page, kb);
  await ask(page, question);
  await lastAnswer(page);
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export conversation as Markdown" }).click();
  const download = await downloading;
  assert.match(download.suggestedFilename(), /\.md$/);
  const text = await readFile(await download.path(), "utf8");
  assert.match(text, /How long does delivery take\?/);
  assert.match(text, /\*\*four working days\*\*/);
});

const rich = {
  question: "Show everything Markdown can do",
  answer: [
    "Some **bold** text, `code` and a [link](https://example.com/page).",
    "",
    "| Size | Price |",
    "| --- | --- |",
    "| small | $5 |",
    "| large | $10 |",
    "",
    "```js",
    "const x = 1;",
    "```",
    "",
    "Euler wrote $e^{i\\pi} = -1$, and",
    "",
    "$$\\int_0^1 x^2\\,dx = \\frac{1}{3}$$",
  ].join("\n"),
};

test(
  "Markdown, code, tables and maths are rendered",
  { entries: [...sampleEntries, rich] },
  async ({ open, kb }) => {
    const page = await open();
    await openChat(page, kb);
    await ask(page, rich.question);
    const answer = await lastAnswer(page);
    await answer.locator(".katex").first().waitFor();
    assert.equal(await answer.locator(".katex").count(), 2);
    assert.equal(await answer.locator("strong").first().innerText(), "bold");
    assert.equal(await answer.getByRole("cell").count(), 4);
    assert.match(await answer.getByRole("cell").nth(3).innerText(), /^\$10$/);
    assert.match(await answer.locator("pre").innerText(), /const x = 1;/);
    const link = answer.getByRole("link", { name: "link" });
    assert.equal(await link.getAttribute("href"), "https://example.com/page");
    assert.match((await link.getAttribute("rel")) ?? "", /noopener/);
  },
);

const hostile = {
  question: "What happens with <b>hostile</b> <img src=x onerror=window.pwned=1> text?",
  answer: [
    "<script>window.pwned = 1</script>",
    "<img src=x onerror='window.pwned = 1'>",
    "<iframe src='https://evil.example/'></iframe>",
    "<svg onload='window.pwned = 1'></svg>",
    "",
    "[click me](javascript:window.pwned=1) and [data](data:text/html,<script>window.pwned=1</script>)",
    "",
    "![tracker](https://evil.example/pixel.png)",
    "",
    "$\\href{javascript:window.pwned=1}{x}$ $\\htmlClass{a}{y}$",
    "",
    "[ref]: javascript:alert(1)",
  ].join("\n"),
};

test("hostile text is inert", { entries: [hostile] }, async ({ open, kb }) => {
  const page = await open();
  await openChat(page, kb);
  await ask(page, hostile.question);
  const answer = await lastAnswer(page);
  await page.waitForTimeout(300);
  const found = await page.evaluate(() => ({
    pwned: window.pwned,
    elements: document.querySelectorAll("main script, main img, main iframe, main [onload], main [onerror]")
      .length,
    links: [...document.querySelectorAll("main a")].map((a) => a.protocol),
  }));
  assert.equal(found.pwned, undefined);
  assert.equal(found.elements, 0);
  assert.ok(
    found.links.every((protocol) => ["http:", "https:", "mailto:"].includes(protocol)),
    found.links.join(),
  );
  assert.match(await answer.innerText(), /<script>/);
});

test("a draft survives a reload, and a text beyond the limit is not sent", {}, async ({ open, kb }) => {
  const page = await open();
  await openChat(page, kb);
  const field = page.getByRole("textbox", { name: "Your question" });
  await field.pressSequentially("two");
  await field.press("Shift+Enter");
  await field.pressSequentially("lines");
  assert.equal(await field.inputValue(), "two\nlines");
  await page.waitForTimeout(500);
  await page.reload();
  assert.equal(await field.inputValue(), "two\nlines");

  const started = Date.now();
  await field.fill("x".repeat(1 << 20));
  await page.getByText("too long to send").waitFor();
  assert.ok(Date.now() - started < 5000, "a megabyte does not freeze the page");
  assert.equal(await page.getByRole("button", { name: "Send" }).isDisabled(), true);
});

test("an answer tells what it took", {}, async ({ open, kb }) => {
  const page = await open();
  await openChat(page, kb);
  await ask(page, question);
  const answer = await lastAnswer(page);
  await answer.getByRole("button", { name: "Details" }).click();
  const text = await answer.innerText();
  for (const name of ["Model", "Whole answer", "Cost"]) assert.ok(text.includes(name), name);
  await answer.getByRole("button", { name: "Show trace" }).click();
  await answer
    .getByRole("list", { name: /^Trace/ })
    .getByRole("listitem")
    .first()
    .waitFor();
});

test(
  "a provider's failure is shown and can be tried again",
  { faultsAllowed: true },
  async ({ open, kb }) => {
    const page = await open();
    await openChat(page, kb);
    await page.route("**/messages", (route) =>
      route.fulfill({
        status: 429,
        contentType: "application/problem+json",
        body: JSON.stringify({
          title: "Slow down",
          status: 429,
          code: "exhausted",
          detail: "Too many questions.",
        }),
      }),
    );
    await ask(page, question);
    await page.getByRole("alert").getByText("Too many questions.").waitFor();
    await page.unroute("**/messages");
    await page.getByRole("alert").getByRole("button", { name: "Retry" }).click();
    assert.match(await (await lastAnswer(page)).innerText(), /four working days/);
    assert.equal(await page.getByRole("textbox", { name: "Your question" }).inputValue(), "");
  },
);

test("a server that asks for a key gets it once", { faultsAllowed: true }, async ({ open, kb }) => {
  const page = await open();
  await page.route("**/api/**", (route) => {
    const request = route.request();
    const isOpen = new URL(request.url()).pathname === "/api/info";
    if (isOpen || request.headers()["authorization"] === "Bearer qn_good")
      return route.continue({ headers: { ...request.headers(), authorization: "" } });
    return route.fulfill({
      status: 401,
      contentType: "application/problem+json",
      body: JSON.stringify({
        title: "Unauthorized",
        status: 401,
        code: "unauthorized",
        detail: "A key is needed.",
      }),
    });
  });
  await page.goto(`${base}/faq`);
  const dialog = page.getByRole("dialog", { name: "This server asks for a key" });
  await dialog.getByLabel("API key").fill("qn_bad");
  await dialog.getByRole("button", { name: "Continue" }).click();
  await dialog.getByText("did not accept this key").waitFor();
  await dialog.getByLabel("API key").fill("qn_good");
  await dialog.getByRole("button", { name: "Continue" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByLabel("Knowledge base", { exact: true }).selectOption(kb);
  assert.equal(await page.evaluate(() => localStorage.getItem("quintet.key")), null);
});
