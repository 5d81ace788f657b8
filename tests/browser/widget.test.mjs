import assert from "node:assert/strict";
import { createServer } from "node:http";
import { allowedOrigin, base, eventually, test } from "./harness.mjs";

/** A site that includes the script as its owner copied it. */
async function site(port, snippet) {
  const server = createServer((_, response) => {
    response.writeHead(200, { "Content-Type": "text/html" });
    response.end(`<!doctype html><html lang="en"><title>A shop</title><h1>A shop</h1>${snippet}</html>`);
  });
  await new Promise((resolve, reject) => server.on("error", reject).listen(port, "127.0.0.1", resolve));
  return { origin: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

const snippetFor = (kb) =>
  `<script src="${base}/widget.js" data-kb="${kb}" data-title="Ask us" data-color="#7a1f5c" async></script>`;

test("the page gives the line for a site, with a preview", { origins: [] }, async ({ open, kb }) => {
  const page = await open({ permissions: ["clipboard-read", "clipboard-write"] });
  await page.goto(`${base}/faq/widget`);
  await page.getByLabel("Knowledge base", { exact: true }).selectOption(kb);
  await page.getByRole("button", { name: "Copy the line" }).click();
  const line = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(line, `<script src="${base}/widget.js" data-kb="${kb}" async></script>`);
  await page.getByText("allowed_origins").first().waitFor();
  const preview = page.frameLocator("iframe[title='Widget preview']");
  await preview.getByRole("textbox", { name: "Your question" }).waitFor();
});

test("the widget answers on an allowed site", { origins: [allowedOrigin] }, async ({ open, kb }) => {
  const shop = await site(Number(new URL(allowedOrigin).port), snippetFor(kb));
  try {
    const page = await open();
    await page.goto(shop.origin);
    await page.getByRole("button", { name: "Open Ask us" }).click();
    const chat = page.frameLocator("iframe[title='Ask us']");
    await chat.getByRole("heading", { name: "Ask us" }).waitFor();
    const field = chat.getByRole("textbox", { name: "Your question" });
    await field.fill("How long does delivery take?");
    await field.press("Enter");
    await chat.getByText("four working days").waitFor();
    await chat.getByRole("button", { name: "Good answer" }).click();
    await eventually(
      async () =>
        (await chat.getByRole("button", { name: "Good answer" }).getAttribute("aria-pressed")) === "true",
      "the rating shows",
    );

    await page.reload();
    await chat.getByText("four working days").waitFor(); // open as before, with its conversation
    await chat.getByRole("button", { name: "Close" }).click();
    await page.getByRole("button", { name: "Open Ask us" }).waitFor();
    await page.keyboard.press("Enter"); // the button has the focus again
    await field.press("Escape");
    await page.getByRole("button", { name: "Open Ask us" }).waitFor();
    assert.deepEqual(
      await page.evaluate(() => Object.keys(window).filter((name) => /quintet/i.test(name))),
      [],
    );
  } finally {
    shop.close();
  }
});

test("a site that is not allowed cannot show the widget", { faultsAllowed: true }, async ({ open, kb }) => {
  const shop = await site(0, snippetFor(kb));
  try {
    const page = await open();
    const refusals = [];
    page.on("console", (message) => refusals.push(message.text()));
    await page.goto(shop.origin);
    await page.getByRole("button", { name: "Open Ask us" }).click();
    await eventually(
      () => refusals.some((text) => /frame-ancestors|refused to frame|Framing/i.test(text)),
      "the browser refuses",
    );
    const frame = page.frames().find((item) => item !== page.mainFrame());
    assert.equal(await frame.getByRole("textbox").count(), 0);
  } finally {
    shop.close();
  }
});
