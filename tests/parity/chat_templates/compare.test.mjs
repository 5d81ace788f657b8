// Every template with every conversation, rendered here and by @huggingface/jinja, byte by byte. Run by
// scripts/test-chat-templates.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";
import { allConversations } from "./conversations.mjs";

const here = import.meta.dirname;
const driver = process.env.QN_RENDER_CHAT_TEMPLATES ?? path.join(here, "../../../build/release/tests/parity/render_chat_templates");
const now = Date.UTC(2024, 9, 27, 3, 33, 20);

function drive(...args) {
  const [input, ...options] = args;
  const run = spawnSync(driver, options, { input, encoding: "utf8", maxBuffer: 1 << 30 });
  if (run.error) throw run.error;
  assert.equal(run.status, 0, run.stderr);
  return JSON.parse(run.stdout);
}

/** strftime of the fixed time: the package's own reads the clock. */
function strftime(format) {
  const time = new Date(now);
  const month = new Intl.DateTimeFormat("en", { month: "long", timeZone: "UTC" }).format(time);
  const two = (n) => String(n).padStart(2, "0");
  const parts = {
    Y: String(time.getUTCFullYear()),
    m: two(time.getUTCMonth() + 1),
    d: two(time.getUTCDate()),
    b: month.slice(0, 3),
    B: month,
    H: two(time.getUTCHours()),
    M: two(time.getUTCMinutes()),
  };
  return format.replace(/%([YmdbBHM])/g, (_, letter) => parts[letter]);
}

function range(...args) {
  const [start, stop, step] = args.length === 1 ? [0, args[0], 1] : [args[0], args[1], args[2] ?? 1];
  const all = [];
  for (let i = start; step > 0 ? i < stop : i > stop; i += step) all.push(i);
  return all;
}

function reference(template, variables) {
  try {
    const environment = new Environment();
    const globals = { true: true, True: true, false: false, False: false, none: null, None: null };
    for (const [name, value] of Object.entries(globals)) environment.set(name, value);
    environment.set("range", range);
    environment.set("strftime_now", strftime);
    environment.set("raise_exception", (message) => {
      throw new Error(message);
    });
    for (const [name, value] of Object.entries(variables)) environment.set(name, value);
    const program = parse(tokenize(template, { lstrip_blocks: true, trim_blocks: true }));
    return { text: new Interpreter(environment).run(program).value };
  } catch (error) {
    return { error: String(error) };
  }
}

/** Templates of real models where the test data is there: tokenizer_config.json files and GGUF metadata. */
function* realTemplates(folder) {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder, { recursive: true }).sort()) {
    const file = path.join(folder, name);
    if (name.endsWith("tokenizer_config.json")) {
      const { chat_template: found } = JSON.parse(readFileSync(file, "utf8"));
      if (typeof found === "string") yield [name, found];
      if (Array.isArray(found)) for (const one of found) yield [`${name} ${one.name}`, one.template];
    } else if (name.endsWith(".gguf")) {
      // A metadata entry is its key, the type 8 for a string, the length in 8 bytes, the text.
      const bytes = readFileSync(file);
      const key = "tokenizer.chat_template";
      const at = bytes.indexOf(key);
      if (at < 0) continue;
      const start = at + key.length;
      yield [name, bytes.subarray(start + 12, start + 12 + Number(bytes.readBigUInt64LE(start + 4))).toString("utf8")];
    }
  }
}

const templates = new Map();
for (const name of readdirSync(path.join(here, "templates")).sort())
  templates.set(name, readFileSync(path.join(here, "templates", name), "utf8"));
for (const [name, source] of Object.entries(drive("", "--builtin"))) templates.set(`built-in ${name}`, source);
const data = process.env.QUINTET_TEST_DATA ?? path.join(here, "../../../../shared/data");
for (const [name, source] of realTemplates(path.join(data, "tokenizers"))) templates.set(name, source);

// The package prints lists as JSON and reads attributes of undefined values, where Jinja2 and we print Python's form
// and fail: a template that does not look at content parts, or reads messages[0] of none, is not asked to.
const readsParts = ["blocks.jinja", "content-parts.jinja", "expressions.jinja"];
const cases = [];
for (const [name, template] of templates)
  for (const [conversation, variables] of allConversations()) {
    if (conversation.startsWith("parts") && !readsParts.includes(name)) continue;
    if (conversation.startsWith("empty") && template.includes("messages[0]")) continue;
    cases.push({ name, conversation, template, variables, now });
  }
const ours = drive(JSON.stringify(cases));

for (const name of templates.keys()) {
  test(`${name} renders as in @huggingface/jinja`, () => {
    let shown = 0;
    for (const [index, entry] of cases.entries()) {
      if (entry.name !== name) continue;
      const expected = reference(entry.template, entry.variables);
      const got = ours[index];
      const where = `${name} with ${entry.conversation}`;
      if (expected.error !== undefined || got.error !== undefined) {
        assert.ok(expected.error !== undefined && got.error !== undefined, `${where}: ${JSON.stringify({ expected, got })}`);
        continue;
      }
      assert.equal(got.text, expected.text, where);
      ++shown;
    }
    assert.ok(shown > 0, `${name} renders no conversation`);
  });
}
