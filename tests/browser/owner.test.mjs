import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import {
  api,
  ask,
  base,
  eventually,
  freshName,
  lastAnswer,
  openChat,
  outsideQuestion,
  sampleEntries,
  test,
} from "./harness.mjs";

const kbUrl = (kb, rest = "") => `${base}/faq/knowledge/${kb}${rest}`;
const file = (name, text) => ({ name, mimeType: "application/octet-stream", buffer: Buffer.from(text) });
const answersTo = async (kb, question) => api("POST", `/api/faq/kbs/${kb}/ask`, { question });
const entriesOf = async (kb) => (await api("GET", `/api/faq/kbs/${kb}/entries?limit=200`)).entries;

const faq = JSON.stringify([
  { question: "What does the cable car cost?", answer: "Nine euros." },
  { question: "When does the museum open?", answer: "At ten o'clock.", tags: ["museum"] },
]);

test("a knowledge base is made of a file", {}, async ({ open }) => {
  const name = freshName("made");
  const page = await open();
  await page.goto(`${base}/faq/knowledge`);
  await page.getByRole("button", { name: "New knowledge base" }).click();
  const create = page.getByRole("dialog", { name: "New knowledge base" });
  await create.getByLabel("Title").fill("City guide");
  assert.equal(await create.getByLabel("Name").inputValue(), "city-guide");
  await create.getByLabel("Name").fill(name);
  await create.getByLabel("File to import").setInputFiles(file("city.json", faq));
  await create.getByRole("button", { name: "Create and read the file" }).click();
  const dialog = page.getByRole("dialog", { name: "Import entries" });
  await dialog.getByText("read as json").waitFor();
  assert.match(await dialog.getByRole("list", { name: "What the import would do" }).innerText(), /2\s*new/);
  assert.equal((await entriesOf(name)).length, 0, "a preview changes nothing");
  await dialog.getByRole("button", { name: "Import 2 entries" }).click();
  await page.getByRole("link", { name: /What does the cable car cost\?/ }).waitFor();
  assert.equal((await answersTo(name, "What does the cable car cost?")).answer, "Nine euros.");

  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Knowledge base actions" }).click();
  await page.getByRole("button", { name: "Export as JSON", exact: true }).click();
  assert.match(await readFile(await (await downloading).path(), "utf8"), /Nine euros\./);

  await page.getByRole("button", { name: "Knowledge base actions" }).click();
  await page.getByRole("button", { name: "Delete knowledge base" }).click();
  const confirm = page.getByRole("dialog", { name: /^Delete City guide/ });
  assert.equal(await confirm.getByRole("button", { name: "Delete for good" }).isDisabled(), true);
  await confirm.getByRole("textbox").fill(name);
  await confirm.getByRole("button", { name: "Delete for good" }).click();
  await page.getByRole("heading", { name: "Knowledge bases" }).waitFor();
  await assert.rejects(api("GET", `/api/faq/kbs/${name}`), /404/);
});

test("a file with problems names their places and offers the valid rest", {}, async ({ open, kb }) => {
  const page = await open();
  await page.goto(kbUrl(kb));
  await page.getByRole("button", { name: "Import" }).click();
  const dialog = page.getByRole("dialog", { name: "Import entries" });
  const csv =
    "question,answer\nWhat is a tram?,A train in a street.\nWhat is missing?,\nWhat is a ferry?,A ship.\n";
  await dialog.getByLabel("File to import").setInputFiles(file("half.csv", csv));
  const problems = dialog.getByRole("region", { name: "Problems" });
  assert.match(await problems.innerText(), /line 3, column \d+/);
  await dialog.getByRole("button", { name: "Import the 2 valid ones" }).click();
  await page.getByRole("link", { name: /What is a ferry\?/ }).waitFor();
  assert.equal((await entriesOf(kb)).length, sampleEntries.length + 2);
});

test("a file that cannot be read says why, and nothing changes", {}, async ({ open, kb }) => {
  const page = await open();
  await page.goto(kbUrl(kb));
  await page.getByRole("button", { name: "Import" }).click();
  const dialog = page.getByRole("dialog", { name: "Import entries" });
  await dialog
    .getByLabel("File to import")
    .setInputFiles(file("broken.json", '[{"question": "A?",\n  "answer" "B"}]'));
  await dialog
    .getByText(/line \d+, column \d+/)
    .first()
    .waitFor();
  assert.equal((await entriesOf(kb)).length, sampleEntries.length);
});

test("a file can be dropped anywhere on the page", {}, async ({ open, kb }) => {
  const page = await open();
  await page.goto(kbUrl(kb));
  await page.getByRole("searchbox", { name: "Search entries" }).waitFor();
  await page.evaluate((text) => {
    const data = new DataTransfer();
    data.items.add(new File([text], "dropped.json"));
    for (const type of ["dragover", "drop"]) {
      document.body.dispatchEvent(
        new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data }),
      );
    }
  }, faq);
  await page.getByRole("dialog", { name: "Import entries" }).getByText("dropped.json").waitFor();
});

test("entries are searched while typing, and filtered by tag", {}, async ({ open, kb }) => {
  const page = await open();
  await page.goto(kbUrl(kb));
  const rows = page.getByRole("region", { name: "Entries" }).getByRole("listitem");
  await eventually(async () => (await rows.count()) === sampleEntries.length, "all entries are listed");
  await page.keyboard.press("/");
  await page.keyboard.type("warranty");
  await eventually(
    async () => /warranty on bicycles/.test(await rows.first().innerText()),
    "the best match is first",
  );
  assert.ok((await rows.count()) < sampleEntries.length);
  await page.getByRole("searchbox", { name: "Search entries" }).fill("");
  await page.getByLabel("Tag").selectOption("delivery");
  await eventually(async () => (await rows.count()) === 1, "one entry has the tag");
});

test("an entry is checked, saved, and answers at once", {}, async ({ open, kb }) => {
  const page = await open();
  await page.goto(kbUrl(kb, "/new"));
  const form = page.getByRole("form", { name: "New entry" });
  await form.getByLabel("Link").fill("javascript:alert(1)");
  await form.getByRole("button", { name: "Add entry" }).click();
  await form.getByText("Write the question people ask.").waitFor();
  await form.getByText("Write the answer they get.").waitFor();
  await form.getByText("A link starts with http").waitFor();
  assert.equal(await form.getByLabel("Question").getAttribute("aria-invalid"), "true");

  await form.getByLabel("Question").fill("Do you sell unicycles?");
  await form.getByLabel("Answer").fill("Yes, **three** kinds.");
  await form.getByRole("button", { name: "Preview" }).click();
  assert.equal(await form.locator(".editor-preview strong").innerText(), "three");
  await form.getByRole("button", { name: "Write", exact: true }).click();
  await form.getByRole("button", { name: "Add a wording" }).click();
  await page.keyboard.type("bikes with one wheel");
  await form.getByLabel("Tags").fill("bikes, shop");
  await form.getByLabel("Link").fill("https://shop.example/unicycles");
  await form.getByRole("button", { name: "Add entry" }).click();
  await page.waitForURL(/\/entries\//);
  const saved = (await entriesOf(kb)).find((entry) => entry.question === "Do you sell unicycles?");
  assert.deepEqual(saved.tags, ["bikes", "shop"]);
  assert.deepEqual(saved.alternatives, ["bikes with one wheel"]);
  assert.equal((await answersTo(kb, "bikes with one wheel")).refused, false);
});

test("leaving unsaved changes asks first", {}, async ({ open, kb }) => {
  const page = await open();
  await page.goto(kbUrl(kb));
  await page.getByRole("link", { name: /reset my password/ }).click();
  await page.getByLabel("Answer").fill("Changed but not saved");
  await page.getByRole("link", { name: "Inbox" }).click();
  const dialog = page.getByRole("dialog", { name: "Leave without saving?" });
  await dialog.getByRole("button", { name: "Cancel" }).click();
  assert.equal(await page.getByLabel("Answer").inputValue(), "Changed but not saved");
  await page.goBack();
  await dialog.getByRole("button", { name: "Leave" }).click();
  await eventually(async () => !/entries/.test(page.url()), "the page is left");
});

test("a change is shown in the history and undone", {}, async ({ open, kb }) => {
  const page = await open();
  await page.goto(kbUrl(kb));
  await page.getByRole("link", { name: /repair workshop/ }).click();
  await page.getByLabel("Answer").fill("The workshop is in Market Square 9.");
  await page.keyboard.press("Control+s");
  await page.getByText("Saved; it answers at once").waitFor();
  assert.match((await answersTo(kb, "Where is the repair workshop?")).answer, /Market Square/);
  await page.getByRole("link", { name: "History" }).click();
  const newest = page.getByRole("list", { name: "Changes, newest first" }).getByRole("listitem").first();
  await newest.locator("button[aria-expanded]").click();
  assert.match(await newest.locator("ins").first().innerText(), /Market/);
  assert.match(await newest.locator("del").first().innerText(), /Harbour/);
  await newest.getByRole("button", { name: /^Undo/ }).click();
  await page.getByText("Undone; the history keeps both changes").waitFor();
  assert.match((await answersTo(kb, "Where is the repair workshop?")).answer, /Harbour Street/);
});

const openEntry = async (page, kb) => {
  await page.goto(kbUrl(kb));
  await page.getByRole("link", { name: /repair workshop/ }).click();
  await page.getByLabel("Answer").waitFor();
};
const saveAnswer = async (page, text) => {
  await page.getByLabel("Answer").fill(text);
  await page.getByRole("button", { name: "Save", exact: true }).click();
};
const storedAnswer = async (kb) =>
  (await entriesOf(kb)).find((entry) => /workshop/.test(entry.question)).answer;

test("of two people editing one entry, the later sees both versions", {}, async ({ open, kb }) => {
  const [first, second] = [await open(), await open()];
  await openEntry(first, kb);
  await openEntry(second, kb);
  await saveAnswer(first, "First version.");
  await first.getByText("Saved; it answers at once").waitFor();
  await saveAnswer(second, "Second version.");
  const dialog = second.getByRole("dialog", { name: "Someone else changed this entry" });
  assert.match(await dialog.getByRole("table").innerText(), /First version\.[\s\S]*Second/);
  assert.equal(await storedAnswer(kb), "First version.", "nothing is overwritten silently");

  await dialog.getByRole("button", { name: "Merge by hand" }).click();
  await second.getByRole("region", { name: "Their version" }).getByText("First version.").waitFor();
  await saveAnswer(second, "First and second version.");
  await second.getByText("Saved; it answers at once").waitFor();
  assert.equal(await storedAnswer(kb), "First and second version.");

  await saveAnswer(first, "Third version.");
  await first.getByRole("button", { name: "Take theirs" }).click();
  assert.equal(await first.getByLabel("Answer").inputValue(), "First and second version.");

  await saveAnswer(second, "Fourth version.");
  await eventually(async () => (await storedAnswer(kb)) === "Fourth version.", "the fourth version is saved");
  await saveAnswer(first, "Fifth version.");
  await first.getByRole("button", { name: "Keep mine" }).click();
  await eventually(async () => (await storedAnswer(kb)) === "Fifth version.", "the kept version is saved");
});

test("an unanswered question becomes an entry that answers at once", {}, async ({ open, kb }) => {
  const page = await open();
  await openChat(page, kb);
  await ask(page, outsideQuestion);
  await lastAnswer(page);
  await page.getByRole("link", { name: "Inbox" }).click();
  const cluster = page.getByRole("list", { name: "Groups of questions" }).getByRole("listitem").first();
  await cluster.getByRole("button", { name: outsideQuestion }).click();
  await cluster.getByText("not answered").first().waitFor();
  assert.equal(await cluster.getByRole("checkbox").first().isChecked(), true);
  await cluster.getByRole("button", { name: "Write an entry" }).click();
  const dialog = page.getByRole("dialog", { name: "Write an entry" });
  assert.equal(await dialog.getByLabel("Question").inputValue(), outsideQuestion);
  await dialog.getByLabel("Answer").fill("Because sound carries far in water.");
  await dialog.getByRole("button", { name: "Add entry" }).click();
  await page.getByText(/now answers with \d+ %/).waitFor();
  await page.getByRole("heading", { name: "Nothing to do" }).waitFor();
  await page.getByRole("link", { name: "Chat", exact: true }).click();
  await ask(page, outsideQuestion);
  assert.match(await (await lastAnswer(page)).innerText(), /sound carries far/);
});

test("a badly rated question is added to an entry, another dismissed", {}, async ({ open, kb }) => {
  const page = await open();
  await openChat(page, kb);
  await ask(page, "How do I return an article?");
  await (await lastAnswer(page)).getByRole("button", { name: "Bad answer" }).click();
  await page.getByRole("button", { name: "Skip" }).click();
  await ask(page, outsideQuestion);
  await eventually(
    async () => (await page.getByRole("article", { name: "Answer" }).count()) === 2,
    "both are answered",
  );
  await lastAnswer(page);
  await page.getByRole("link", { name: "Inbox" }).click();
  const clusters = page.locator("li.cluster");
  await eventually(async () => (await clusters.count()) === 2, "two groups");

  const rated = clusters.filter({ hasText: "rated badly" });
  await rated.getByRole("button", { name: "Add to an entry" }).click();
  const dialog = page.getByRole("dialog", { name: "Add to an entry" });
  await dialog.getByRole("searchbox").fill("reset my password");
  await dialog.getByRole("button", { name: "Add to “How do I reset my password?”" }).click();
  await dialog.waitFor({ state: "detached" });
  const entry = (await entriesOf(kb)).find((item) => /password/.test(item.question));
  assert.ok(entry.alternatives.includes("How do I return an article?"));

  await clusters.first().getByRole("button", { name: "Dismiss" }).click();
  await page.getByRole("heading", { name: "Nothing to do" }).waitFor();
});

test("insights count each entry's use and what calls cost", {}, async ({ open, kb }) => {
  const page = await open();
  await openChat(page, kb);
  for (let n = 1; n <= 2; ++n) {
    await ask(page, "How do I reset my password?");
    await eventually(
      async () => (await page.getByRole("article", { name: "Answer" }).count()) === n,
      `answer ${n}`,
    );
    await lastAnswer(page);
  }
  await page.getByRole("link", { name: "Insights" }).click();
  const table = page.getByRole("region", { name: "Entries" });
  const row = table.getByRole("row").filter({ hasText: "reset my password" });
  assert.equal(await row.getByRole("cell").nth(1).innerText(), "2");
  await page.getByLabel(/Only the 5 unused/).check();
  assert.equal(await row.count(), 0);
  await table.getByRole("button", { name: "Entry" }).click();
  assert.equal(
    await table.getByRole("columnheader", { name: "Entry" }).getAttribute("aria-sort"),
    "ascending",
  );
  await page.getByText("Show as table").click();
  await page.getByRole("table", { name: "Questions per day" }).waitFor();
  await page.getByRole("region", { name: "Calls and cost" }).getByRole("row").nth(1).waitFor();
});

test("prices are checked and saved", {}, async ({ open }) => {
  const before = await api("GET", "/api/prices");
  try {
    const page = await open();
    await page.goto(`${base}/faq/insights`);
    await page.getByRole("button", { name: "Add a price" }).click();
    const n = before.prices.length + 1;
    await page.getByLabel(`Model of price ${n}`).fill("browser-test-*");
    await page.getByLabel(`Input of price ${n}`, { exact: true }).fill("-1");
    await page.getByRole("button", { name: "Save prices" }).click();
    await page.getByText("Every price needs a model").waitFor();
    await page.getByLabel(`Input of price ${n}`, { exact: true }).fill("0.25");
    await page.getByRole("button", { name: "Save prices" }).click();
    await page.getByText("Prices saved").waitFor();
    const { prices } = await api("GET", "/api/prices");
    assert.equal(prices.find((price) => price.model === "browser-test-*").input_per_mtok, 0.25);
  } finally {
    await api("PUT", "/api/prices", before);
  }
});
