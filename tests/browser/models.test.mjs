import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createReadStream, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before } from "node:test";
import { accessibilityFaults, api, base, eventually, freshName, overflowOf, test } from "./harness.mjs";

const program = process.env.QN_PROGRAM ?? path.join(import.meta.dirname, "../../build/release/quintet");

let scratch, file, upstream;
before(async () => {
  scratch = mkdtempSync(path.join(tmpdir(), "quintet-models-"));
  file = path.join(scratch, "random.gguf"); // random weights: it writes words without sense, and for long
  execFileSync(program, ["models", "synthesize", "--shape", "smollm2-135m", "-o", file]);
  upstream = createServer((request, response) => {
    response.writeHead(200, { "Content-Length": statSync(file).size, ETag: '"1"' });
    if (request.method === "HEAD") response.end();
    else createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => upstream.listen(0, "127.0.0.1", resolve));
});
after(() => {
  upstream.close();
  rmSync(scratch, { recursive: true, force: true });
});

const named = (name) => ({ id: `engine:${name}`, name });

/** A model on the server's disk, gone after `body`. */
async function withModel(body) {
  const { folder } = await api("GET", "/api/models");
  const model = named(freshName("tiny"));
  mkdirSync(folder, { recursive: true });
  execFileSync("cp", [file, path.join(folder, `${model.name}.gguf`)]);
  await eventually(async () => (await stateOf(model)) === "not_loaded", "the file is listed");
  try {
    await body(model);
  } finally {
    await api("PUT", "/api/default-model", { model: "extractive" });
    await api("POST", `/api/models/${model.id}/unload`).catch(() => undefined);
    rmSync(path.join(folder, `${model.name}.gguf`), { force: true });
  }
}
const modelOf = async ({ id }) => (await api("GET", "/api/models")).models.find((model) => model.id === id);
const stateOf = async (model) => (await modelOf(model))?.state;

const cardOf = (page, { name }) => page.getByRole("listitem", { name, exact: true });
async function openModels(page) {
  await page.goto(`${base}/models`);
  await page.getByRole("heading", { name: "Models", level: 1 }).waitFor();
}

/** Begins an answer by the model and does not wait for its end; gives what stops it. */
async function beginAnswer(kb, model) {
  const { id } = await api("POST", "/api/conversations", { kb });
  const controller = new AbortController();
  const response = await fetch(`${base}/api/conversations/${id}/messages`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ text: "How long does delivery take?", model: model.id }),
    signal: controller.signal,
  });
  const { value } = await response.body.getReader().read();
  const message = /"message_id":"(\w+)"/.exec(new TextDecoder().decode(value))[1];
  return async () => {
    await api("POST", `/api/conversations/${id}/messages/${message}/stop`);
    controller.abort();
  };
}

test("a model is downloaded, loaded, seen at work, unloaded and deleted", {}, async ({ open, kb }) => {
  const page = await open();
  const model = named(freshName("pulled"));
  await openModels(page);
  await page.getByRole("button", { name: "Download a model" }).click();
  const source = `http://127.0.0.1:${upstream.address().port}/${model.name}.gguf`;
  await page.getByRole("textbox", { name: "Model" }).fill(source);
  await page.getByRole("button", { name: "Download", exact: true }).click();
  const downloads = page.getByRole("region", { name: "Downloads" });
  await downloads.getByText("Downloaded", { exact: true }).waitFor();
  await downloads.getByRole("button", { name: `Dismiss the download of ${source}` }).click();
  await downloads.waitFor({ state: "detached" });

  const card = cardOf(page, model);
  await card.getByText("135M parameters").waitFor();
  assert.equal(await card.getByRole("status").textContent(), "Not loaded");
  await card.getByRole("button", { name: `Load ${model.name}` }).click();
  await card.getByRole("status").filter({ hasText: /^Loaded$/ }).waitFor();
  await card.getByText("8,192 tokens").waitFor();

  const stop = await beginAnswer(kb, model);
  await eventually(async () => Number(await card.locator(".model-speed strong").textContent()) > 0, "tokens/s");
  await card.getByText("1 of 4").waitFor();
  await card.getByRole("button", { name: `Unload ${model.name}` }).click();
  await card.getByText("1 answer being written").waitFor();
  assert.equal(await card.getByRole("status").textContent(), "Unloading");
  await stop();
  await card.getByRole("status").filter({ hasText: "Not loaded" }).waitFor();

  await card.getByRole("button", { name: `More for ${model.name}` }).click();
  await page.getByRole("button", { name: "Delete from disk …" }).click();
  const dialog = page.getByRole("dialog", { name: `Delete ${model.name}?` });
  await dialog.getByRole("button", { name: "Delete from disk" }).click();
  await card.waitFor({ state: "detached" });
  assert.equal(await modelOf(model), undefined);
});

test("settings for loading are given in a dialog, with the keyboard alone", {}, async ({ open }) => {
  await withModel(async (model) => {
    const page = await open();
    await openModels(page);
    const card = cardOf(page, model);
    await card.getByRole("button", { name: `Load ${model.name}` }).focus();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    const focused = () => page.evaluate(() => document.activeElement?.textContent ?? "");
    await eventually(async () => (await focused()).startsWith("Load with settings"), "the focus is in the menu");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog", { name: `Load ${model.name}` }).waitFor();
    await page.keyboard.type("512");
    await page.keyboard.press("Tab");
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.type("2");
    await page.keyboard.press("Enter");
    await card.getByText("512 tokens", { exact: true }).waitFor();
    const { engine } = await modelOf(model);
    assert.deepEqual([engine.context, engine.parallel], [512, 2]);
  });
});

test("the chosen model answers in the chat, and is kept", {}, async ({ open }) => {
  await withModel(async (model) => {
    const page = await open();
    await openModels(page);
    await page.getByLabel("Who answers when a chat names no model").selectOption(model.id);
    await cardOf(page, model).getByText("Answers by default").waitFor();
    await page.reload();
    await cardOf(page, model).getByText("Answers by default").waitFor();
    await page.keyboard.press("n"); // to the chat, without loading the page
    const picker = page.getByLabel("Model", { exact: true });
    await picker.waitFor();
    assert.equal(await picker.inputValue(), model.id);
  });
});

test("without a model the page says how to get one; a failure is shown with a way on", {}, async ({ open }) => {
  const page = await open();
  const answer = { ...(await api("GET", "/api/models")), models: [], downloads: [] };
  let served = answer;
  await page.route("**/api/models", (route) => route.fulfill({ json: served }));
  await openModels(page);
  await page.getByText("quintet models pull hf:owner/repo").waitFor();
  const failed = {
    ...named("big"),
    path: "/models/big.gguf",
    source: null,
    format: "gguf",
    size_bytes: 5 << 30,
    architecture: "llama",
    n_parameters: 8e9,
    quantization: "Q4_K_M",
    is_complete: true,
    problem: null,
    can_chat: true,
    can_delete: true,
    is_default: false,
    state: "failed",
    error: "big.gguf needs 5 GB of memory and 2 GB are free",
    options: { context: 0, threads: 0, parallel: 4 },
    n_answers: 0,
    n_generated: 0,
    engine: null,
  };
  served = { ...answer, models: [failed] };
  await page.reload();
  const card = cardOf(page, failed);
  await card.getByText("needs 5 GB of memory").waitFor();
  await card.getByRole("button", { name: "Try again to load big" }).click(); // there is no such model here
  await page.getByText('there is no model "big" on this machine').waitFor();
});

for (const colorScheme of ["light", "dark"]) {
  test(`the page fits, and has no accessibility fault with a model at work (${colorScheme})`, {}, async ({ open, kb }) => {
    await withModel(async (model) => {
      const stop = await beginAnswer(kb, model);
      for (const viewport of [
        { width: 1440, height: 900 },
        { width: 390, height: 844 },
      ]) {
        const page = await open({ colorScheme, viewport, reducedMotion: "reduce" });
        await openModels(page);
        await cardOf(page, model).getByText("tokens/s").waitFor();
        assert.deepEqual(await accessibilityFaults(page), [], `${viewport.width} px`);
        assert.ok((await overflowOf(page)) <= 0, "nothing is too wide");
        await page.getByRole("button", { name: "Download a model" }).click();
        assert.deepEqual(await accessibilityFaults(page), [], `${viewport.width} px, with the dialog`);
      }
      await stop();
    });
  });
}
