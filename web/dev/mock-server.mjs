// A stand-in for the server while working on the pages: the same API, answered from memory by counting shared words.
//   npm run build && node dev/mock-server.mjs [--port 8321] [--origin http://allowed.example]...
// Listens on loopback only. Nothing of this is part of the product.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { sampleEntries } from "./sample-faq.mjs";

const dist = path.join(path.dirname(fileURLToPath(import.meta.url)), "../dist");
const args = process.argv.slice(2);
const option = (name) => args.flatMap((arg, i) => (arg === name ? [args[i + 1] ?? ""] : []));
const port = Number(option("--port")[0] ?? 8321);
const allowedOrigins = option("--origin");
const key = option("--key")[0];

let counter = 0;
const newId = (prefix) => `${prefix}_${(++counter).toString(36).padStart(6, "0")}`;
const now = () => new Date().toISOString();

class Problem extends Error {
  constructor(status, code, detail, extra = {}) {
    super(detail);
    Object.assign(this, { status, code, extra });
  }
}
const notFound = (what) => new Problem(404, "not_found", `There is no ${what}.`);

const kbs = new Map();
const conversations = new Map();
const streams = new Map();
const traces = new Map();
const usage = [];
let prices = [{ model: "scripted:*", input_per_mtok: 0.15, cached_per_mtok: 0.075, output_per_mtok: 0.6 }];
const models = [
  { id: "extractive", provider: "extractive", model: "extractive", is_generative: false, is_default: true },
  { id: "scripted:slow", provider: "scripted", model: "slow", is_generative: true, is_default: false },
  { id: "scripted:fails", provider: "scripted", model: "fails", is_generative: true, is_default: false },
];

// Knowledge bases

function makeKb(name, title = "", description = "") {
  const kb = {
    name,
    title: title || name,
    description,
    entries: new Map(),
    history: [],
    questions: [],
    revision: 1,
  };
  kb.updated_at = now();
  kb.perDay = new Map();
  kb.ratings = new Map();
  kbs.set(name, kb);
  return kb;
}

const kbView = (kb) => {
  const entries = [...kb.entries.values()];
  return {
    name: kb.name,
    title: kb.title,
    description: kb.description,
    n_entries: entries.length,
    n_alternatives: entries.reduce((sum, entry) => sum + entry.alternatives.length, 0),
    languages: [...new Set(entries.map((entry) => entry.language).filter(Boolean))],
    revision: kb.revision,
    updated_at: kb.updated_at,
    suggested: entries.slice(0, 4).map((entry) => entry.question),
  };
};

function cleanEntry(body) {
  const text = (name) => (typeof body[name] === "string" ? body[name].trim() : "");
  const list = (name) =>
    Array.isArray(body[name]) ? body[name].map((x) => String(x).trim()).filter(Boolean) : [];
  if (text("question") === "") throw new Problem(422, "invalid_argument", "An entry needs a question.");
  if (text("answer") === "") throw new Problem(422, "invalid_argument", "An entry needs an answer.");
  return {
    question: text("question"),
    answer: text("answer"),
    alternatives: list("alternatives"),
    tags: list("tags"),
    language: text("language"),
    url: text("url"),
  };
}

function record(kb, kind, summary, entries) {
  kb.revision += 1;
  kb.updated_at = now();
  const change = { id: newId("chg"), time: now(), actor: "owner", kind, summary, n_entries: entries.length };
  kb.history.unshift({ ...change, undone: false, entries });
  return kb.history[0];
}

function putEntry(kb, fields, old = null) {
  const entry = {
    id: old?.id ?? newId("e"),
    ...fields,
    revision: (old?.revision ?? 0) + 1,
    updated_at: now(),
    updated_by: "owner",
    n_uses: old?.n_uses ?? 0,
  };
  kb.entries.set(entry.id, entry);
  return entry;
}

const words = (text) =>
  new Set(
    text
      .toLowerCase()
      .normalize("NFKD")
      .match(/[\p{L}\p{N}]{3,}/gu) ?? [],
  );

function rank(kb, question) {
  const asked = words(question);
  return [...kb.entries.values()]
    .map((entry) => {
      const best = [entry.question, ...entry.alternatives].map((text) => {
        const known = words(text);
        const shared = [...asked].filter((word) => known.has(word)).length;
        return shared / Math.max(1, Math.sqrt(known.size * asked.size));
      });
      return { entry, confidence: Math.min(0.99, Math.max(...best)) };
    })
    .filter((hit) => hit.confidence > 0)
    .sort((a, b) => b.confidence - a.confidence);
}

function answer(kb, question) {
  const hits = rank(kb, question);
  const best = hits[0];
  const refused = !best || best.confidence < 0.55;
  const day = now().slice(0, 10);
  const today = kb.perDay.get(day) ?? { answered: 0, refused: 0 };
  today[refused ? "refused" : "answered"] += 1;
  kb.perDay.set(day, today);
  if (refused) addQuestion(kb, question, "unanswered", null);
  else Object.assign(best.entry, { n_uses: best.entry.n_uses + 1, last_used: now() });
  return {
    text: refused ? "I have no answer to this in the knowledge base." : best.entry.answer,
    refused,
    confidence: best?.confidence ?? 0,
    entries: refused ? [] : [{ id: best.entry.id, question: best.entry.question }],
    nearest: hits.slice(0, 3).map((hit) => ({
      id: hit.entry.id,
      question: hit.entry.question,
      confidence: hit.confidence,
    })),
  };
}

function addQuestion(kb, text, reason, shownAnswer) {
  const same = kb.questions.find((question) => question.text === text && question.reason === reason);
  if (same) return void (same.count += 1);
  kb.questions.push({ id: newId("q"), text, asked_at: now(), reason, answer: shownAnswer, count: 1 });
}

function inbox(kb) {
  const clusters = [];
  for (const question of kb.questions) {
    const asked = words(question.text);
    const cluster = clusters.find((c) =>
      [...words(c.title)].some((word) => word.length > 4 && asked.has(word)),
    );
    if (cluster) cluster.questions.push(question);
    else clusters.push({ id: `cl_${question.id}`, title: question.text, questions: [question] });
  }
  return {
    clusters: clusters.map((cluster) => ({
      ...cluster,
      n: cluster.questions.reduce((sum, question) => sum + question.count, 0),
      reasons: [...new Set(cluster.questions.map((question) => question.reason))],
      last_asked: cluster.questions.at(-1).asked_at,
      nearest:
        rank(kb, cluster.title)
          .slice(0, 1)
          .map(({ entry }) => ({ id: entry.id, question: entry.question }))[0] ?? null,
    })),
    total: kb.questions.length,
  };
}

const resolve = (kb, ids = []) => {
  kb.questions = kb.questions.filter((question) => !ids.includes(question.id));
};

function parseCsv(text) {
  const rows = [[]];
  let cell = "";
  let quoted = false;
  for (let i = 0; i <= text.length; ++i) {
    const c = text[i];
    if (quoted && c === '"' && text[i + 1] === '"') cell += text[i++];
    else if (c === '"') quoted = !quoted;
    else if (!quoted && (c === "," || c === "\n" || c === undefined)) {
      rows.at(-1).push(cell.replace(/\r$/, ""));
      cell = "";
      if (c === "\n") rows.push([]);
    } else if (c !== undefined) cell += c;
  }
  return rows.filter((row) => row.some((value) => value !== ""));
}

function parseImport(text, filename) {
  const problems = [];
  const read = [];
  const problem = (line, column, message) => problems.push({ line, column, severity: "error", message });
  const take = (line, fields) => {
    if (!fields.question) problem(line, 1, "This entry has no question.");
    else if (!fields.answer) problem(line, 1, `“${fields.question}” has no answer.`);
    else read.push(cleanEntry(fields));
  };
  let format = "text";
  if (text.trim() === "") problem(1, 1, "The file is empty.");
  else if (filename.endsWith(".csv")) {
    format = "csv";
    const [head = [], ...rows] = parseCsv(text);
    rows.forEach((row, i) =>
      take(i + 2, Object.fromEntries(head.map((name, j) => [name.trim(), row[j] ?? ""]))),
    );
  } else if (/^\s*[[{]/.test(text)) {
    format = "json";
    try {
      const value = JSON.parse(text);
      const list = Array.isArray(value)
        ? value
        : (value.entries ?? Object.entries(value).map(([question, answer]) => ({ question, answer })));
      list.forEach((fields, i) => take(i + 1, fields));
    } catch (error) {
      const at = Number(/position (\d+)/.exec(error.message)?.[1] ?? 0);
      const before = text.slice(0, at).split("\n");
      problem(before.length, before.at(-1).length + 1, "This is not valid JSON.");
    }
  } else {
    format = "markdown";
    const parts = text.split(/^#+ /m).slice(1);
    parts.forEach((part) => {
      const [question, ...rest] = part.split("\n");
      take(1, { question, answer: rest.join("\n").trim() });
    });
  }
  return { format, read, problems };
}

function importInto(kb, text, { mode, skipBad, filename }) {
  const { format, read, problems } = parseImport(text, filename);
  const byQuestion = new Map([...kb.entries.values()].map((entry) => [entry.question, entry]));
  const fresh = read.filter((fields) => !byQuestion.has(fields.question));
  const changed = read.filter(
    (fields) =>
      byQuestion.get(fields.question)?.answer !== undefined &&
      byQuestion.get(fields.question).answer !== fields.answer,
  );
  const names = new Set(read.map((fields) => fields.question));
  const removed =
    mode === "replace" ? [...kb.entries.values()].filter((entry) => !names.has(entry.question)) : [];
  const report = {
    format,
    n_read: read.length,
    n_new: fresh.length,
    n_changed: changed.length,
    n_unchanged: read.length - fresh.length - changed.length,
    n_removed: removed.length,
    n_duplicates: 0,
    problems,
    sample: read.slice(0, 5).map(({ question, answer: text_ }) => ({ question, answer: text_ })),
    committed: false,
    change_id: null,
  };
  if (mode === "preview") return report;
  if (problems.length > 0 && !skipBad)
    throw new Problem(422, "invalid_argument", "The file has problems.", { report });
  const touched = [];
  for (const fields of fresh) touched.push({ before: null, after: { ...putEntry(kb, fields) } });
  for (const fields of changed) {
    const before = { ...byQuestion.get(fields.question) };
    touched.push({ before, after: { ...putEntry(kb, fields, before) } });
  }
  for (const entry of removed) {
    kb.entries.delete(entry.id);
    touched.push({ before: { ...entry }, after: null });
  }
  const entries = touched.map((pair) => ({ id: (pair.after ?? pair.before).id, ...pair }));
  const change = record(kb, "import", `Imported ${filename}`, entries);
  return { ...report, committed: true, change_id: change.id };
}

function undo(kb, id) {
  const change = kb.history.find((item) => item.id === id);
  if (!change) throw notFound("such change");
  for (const { id: entryId, after } of change.entries) {
    const current = kb.entries.get(entryId);
    if ((current?.revision ?? null) !== (after?.revision ?? null)) {
      throw new Problem(409, "conflict", "A later change touched the same entries. Undo that one first.");
    }
  }
  const entries = change.entries.map(({ id: entryId, before, after }) => {
    if (before === null) kb.entries.delete(entryId);
    else kb.entries.set(entryId, { ...before, revision: (after ?? before).revision + 1 });
    return { id: entryId, before: after, after: before && { ...kb.entries.get(entryId) } };
  });
  change.undone = true;
  return { change_id: record(kb, "undo", `Undid: ${change.summary}`, entries).id };
}

// Conversations and streams

const conversationView = ({ messages, ...rest }) => ({ ...rest, n_messages: messages.length });

function openStream(conversation, kb, question, model, message) {
  const stream = { id: message.id, events: [], waiting: new Set(), done: false };
  streams.set(message.id, stream);
  const emit = (event, data) => {
    const n = stream.events.length + 1;
    stream.events.push({
      n,
      text: `id: ${stream.id}:${n}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`,
      event,
    });
    if (event === "done" || event === "error") stream.done = true;
    for (const wake of stream.waiting) wake();
  };
  const finish = (status) => {
    if (stream.done) return;
    clearInterval(timer);
    const latency = Date.now() - started;
    Object.assign(message, { status, latency_ms: latency, first_token_ms: first ?? latency });
    conversation.updated_at = now();
    const span = (name, parent, from, length, extra = {}) => ({
      span_id: newId("s"),
      parent_span_id: parent,
      name,
      start: new Date(started + from).toISOString(),
      duration_ms: length,
      attributes: {},
      failed: false,
      status_message: "",
      ...extra,
    });
    const root = span("faq answer", null, 0, latency);
    traces.set(message.trace_id, [
      root,
      span("retrieve", root.span_id, 0, 2),
      span(`chat ${model.id}`, root.span_id, 2, latency - 2),
    ]);
    emit("done", { message, conversation: conversationView(conversation) });
  };
  stream.stop = () => finish("cancelled");
  const started = Date.now();
  let first = null;
  const found = answer(kb, question);
  Object.assign(message, {
    refused: found.refused,
    confidence: found.confidence,
    entries: found.entries,
    nearest: found.nearest,
    model: model.model,
    provider: model.provider,
    prompt: model.is_generative ? "faq_answer@1" : null,
    usage: { input_tokens: 412, cached_tokens: 128, output_tokens: Math.ceil(found.text.length / 4) },
    cost_usd: model.is_generative ? 0.00021 : null,
  });
  usage.push({ date: now().slice(0, 10), model });
  let at = 0;
  const step = model.id === "scripted:slow" ? 6 : 48;
  const pause = model.id === "scripted:slow" ? 120 : 12;
  const timer = setInterval(() => {
    if (model.id === "scripted:fails") {
      clearInterval(timer);
      Object.assign(message, { status: "failed", error: "The provider answered 503 three times." });
      emit("error", { status: 502, code: "unavailable", title: "Provider failed", detail: message.error });
      return;
    }
    first ??= Date.now() - started;
    const piece = found.text.slice(at, at + step);
    at += step;
    if (piece !== "") {
      message.text += piece;
      emit("delta", { text: piece });
    } else {
      finish("complete");
    }
  }, pause);
  return { stream, emit };
}

async function sendStream(request, response, stream, after = 0) {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  let at = after;
  let isClosed = false;
  response.on("close", () => (isClosed = true));
  for (;;) {
    for (; at < stream.events.length; ++at) response.write(stream.events[at].text);
    if (stream.done || isClosed) break;
    await new Promise((resolve) => {
      const wake = () => {
        stream.waiting.delete(wake);
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => (response.write(": ping\n\n"), wake()), 5000);
      stream.waiting.add(wake);
    });
  }
  response.end();
}

function blankAnswer() {
  return {
    id: newId("m"),
    role: "assistant",
    text: "",
    status: "streaming",
    created_at: now(),
    refused: false,
    confidence: null,
    entries: [],
    nearest: [],
    model: "",
    provider: "",
    prompt: null,
    usage: null,
    cost_usd: null,
    latency_ms: null,
    first_token_ms: null,
    error: null,
    rating: null,
    trace_id: newId("t"),
  };
}

// Routes

const routes = [];
const on = (method, pattern, handle) => {
  const source = pattern.replace(/:(\w+)/g, "(?<$1>[^/]+)");
  routes.push({ method, match: new RegExp(`^${source}$`), handle });
};
const kbOf = ({ params }) =>
  kbs.get(params.kb) ??
  (() => {
    throw notFound(`knowledge base “${params.kb}”`);
  })();
const conversationOf = ({ params }) =>
  conversations.get(params.id) ??
  (() => {
    throw notFound("such conversation");
  })();

on("GET", "/api/info", () => ({
  version: "0.1.0-mock",
  auth_required: key !== undefined,
  apps: [{ id: "faq", title: "FAQ chatbot" }],
  models,
  default_kb: "northwind",
  widget: { allowed_origins: allowedOrigins },
  limits: { max_upload_bytes: 64 << 20, max_question_bytes: 16 << 10 },
}));
on("GET", "/api/faq/kbs", () => ({ kbs: [...kbs.values()].map(kbView) }));
on("POST", "/api/faq/kbs", ({ json }) => {
  if (!/^[a-z0-9-]{1,64}$/.test(json.name))
    throw new Problem(422, "invalid_argument", "Names are a-z, 0-9 and dashes.");
  if (kbs.has(json.name))
    throw new Problem(409, "conflict", `There is already a knowledge base “${json.name}”.`);
  return [201, kbView(makeKb(json.name, json.title, json.description))];
});
on("GET", "/api/faq/kbs/:kb", (r) => kbView(kbOf(r)));
on("PATCH", "/api/faq/kbs/:kb", (r) => kbView(Object.assign(kbOf(r), r.json)));
on("DELETE", "/api/faq/kbs/:kb", (r) => {
  kbs.delete(kbOf(r).name);
  return [204];
});
on("GET", "/api/faq/kbs/:kb/entries", (r) => {
  const kb = kbOf(r);
  const query = r.query.get("query") ?? "";
  const tag = r.query.get("tag") ?? "";
  const limit = Number(r.query.get("limit") ?? 50);
  const from = Number(r.query.get("cursor") ?? 0);
  const plain = query.toLowerCase();
  let entries = [...kb.entries.values()].reverse();
  if (query !== "") {
    const ranked = rank(kb, query).map((hit) => hit.entry);
    const literal = entries.filter((e) => `${e.question} ${e.answer}`.toLowerCase().includes(plain));
    entries = [...new Set([...ranked, ...literal])];
  }
  if (tag !== "") entries = entries.filter((entry) => entry.tags.includes(tag));
  const page = entries.slice(from, from + limit);
  return {
    entries: page,
    next_cursor: from + limit < entries.length ? String(from + limit) : null,
    total: entries.length,
  };
});
on("POST", "/api/faq/kbs/:kb/entries", (r) => {
  const kb = kbOf(r);
  const entry = putEntry(kb, cleanEntry(r.json));
  resolve(kb, r.json.inbox_ids);
  record(kb, "create", `Added “${entry.question}”`, [{ id: entry.id, before: null, after: { ...entry } }]);
  return [201, entry];
});
const entryOf = (r) =>
  kbOf(r).entries.get(r.params.entry) ??
  (() => {
    throw notFound("such entry");
  })();
on("GET", "/api/faq/kbs/:kb/entries/:entry", (r) => entryOf(r));
const checkRevision = (current, revision) => {
  if (current?.revision === Number(revision)) return;
  throw new Problem(409, "conflict", "Someone else has changed this entry.", { current: current ?? null });
};
on("PUT", "/api/faq/kbs/:kb/entries/:entry", (r) => {
  const kb = kbOf(r);
  const old = kb.entries.get(r.params.entry);
  checkRevision(old, r.json.revision);
  const before = { ...old };
  const entry = putEntry(kb, cleanEntry(r.json), before);
  resolve(kb, r.json.inbox_ids);
  record(kb, "update", `Changed “${entry.question}”`, [{ id: entry.id, before, after: { ...entry } }]);
  return entry;
});
on("DELETE", "/api/faq/kbs/:kb/entries/:entry", (r) => {
  const kb = kbOf(r);
  const old = kb.entries.get(r.params.entry);
  checkRevision(old, r.query.get("revision"));
  kb.entries.delete(old.id);
  record(kb, "delete", `Deleted “${old.question}”`, [{ id: old.id, before: { ...old }, after: null }]);
  return [204];
});
on("POST", "/api/faq/kbs/:kb/import", (r) =>
  importInto(kbOf(r), r.body.toString("utf8"), {
    mode: r.query.get("mode"),
    skipBad: r.query.get("skip_bad") === "true",
    filename: r.query.get("filename") ?? "",
  }),
);
on("GET", "/api/faq/kbs/:kb/export", (r) => {
  const entries = [...kbOf(r).entries.values()].map(({ question, answer: text }) => ({
    question,
    answer: text,
  }));
  return [200, JSON.stringify(entries, null, 2), "application/octet-stream"];
});
on("GET", "/api/faq/kbs/:kb/history", (r) => ({ changes: kbOf(r).history.slice(0, 50), next_cursor: null }));
on("POST", "/api/faq/kbs/:kb/history/:change/undo", (r) => undo(kbOf(r), r.params.change));
on("POST", "/api/faq/kbs/:kb/ask", (r) => {
  const found = answer(kbOf(r), r.json.question);
  return { ...found, answer: found.text, entries: found.entries.map((entry) => entry.id) };
});
on("GET", "/api/faq/kbs/:kb/inbox", (r) => inbox(kbOf(r)));
on("POST", "/api/faq/kbs/:kb/inbox/dismiss", (r) => {
  resolve(kbOf(r), r.json.ids);
  return [204];
});
on("POST", "/api/faq/kbs/:kb/inbox/assign", (r) => {
  const kb = kbOf(r);
  const old = kb.entries.get(r.json.entry_id);
  if (!old) throw notFound("such entry");
  const texts = kb.questions
    .filter((question) => r.json.ids.includes(question.id))
    .map((question) => question.text);
  const before = { ...old };
  const entry = putEntry(kb, { ...old, alternatives: [...old.alternatives, ...texts] }, before);
  resolve(kb, r.json.ids);
  record(kb, "update", `Changed “${entry.question}”`, [{ id: entry.id, before, after: { ...entry } }]);
  return entry;
});
on("GET", "/api/faq/kbs/:kb/stats", (r) => {
  const kb = kbOf(r);
  const per_day = [...kb.perDay].sort().map(([date, counts]) => ({ date, ...counts }));
  const sum = (name) => per_day.reduce((total, day) => total + day[name], 0);
  const entries = [...kb.entries.values()]
    .map((e) => ({
      id: e.id,
      question: e.question,
      n_uses: e.n_uses,
      n_up: kb.ratings.get(e.id)?.up ?? 0,
      n_down: kb.ratings.get(e.id)?.down ?? 0,
      last_used: e.last_used ?? null,
    }))
    .sort((a, b) => b.n_uses - a.n_uses);
  return {
    n_questions: sum("answered") + sum("refused"),
    n_answered: sum("answered"),
    n_refused: sum("refused"),
    n_up: 14,
    n_down: 3,
    per_day,
    entries,
  };
});

on("GET", "/api/conversations", (r) => {
  const query = (r.query.get("query") ?? "").toLowerCase();
  const items = [...conversations.values()]
    .filter((c) => `${c.title} ${c.messages.map((m) => m.text).join(" ")}`.toLowerCase().includes(query))
    .sort((a, b) => b.updated_at.localeCompare(a.updated_at));
  return { conversations: items.slice(0, 50).map(conversationView), next_cursor: null };
});
on("POST", "/api/conversations", ({ json }) => {
  const conversation = {
    id: newId("c"),
    kb: json.kb,
    title: json.title ?? "",
    created_at: now(),
    updated_at: now(),
    messages: [],
  };
  conversations.set(conversation.id, conversation);
  return [201, conversationView(conversation)];
});
on("GET", "/api/conversations/:id", (r) => {
  const conversation = conversationOf(r);
  return { conversation: conversationView(conversation), messages: conversation.messages };
});
on("PATCH", "/api/conversations/:id", (r) =>
  conversationView(Object.assign(conversationOf(r), { title: r.json.title })),
);
on("DELETE", "/api/conversations/:id", (r) => {
  conversations.delete(conversationOf(r).id);
  return [204];
});
on("GET", "/api/conversations/:id/export", (r) => {
  const { title, messages } = conversationOf(r);
  const text = messages.map((m) => (m.role === "user" ? `## ${m.text}` : m.text)).join("\n\n");
  return [200, `# ${title}\n\n${text}\n`, "text/markdown"];
});
const modelOf = (id) => models.find((model) => model.id === id) ?? models[0];
on("POST", "/api/conversations/:id/messages", async (r) => {
  const conversation = conversationOf(r);
  const kb = kbs.get(conversation.kb);
  const question = { ...blankAnswer(), role: "user", text: r.json.text, status: "complete" };
  const message = blankAnswer();
  conversation.messages.push(question, message);
  if (conversation.title === "") conversation.title = r.json.text.slice(0, 60);
  const model = modelOf(r.json.model);
  const { stream, emit } = openStream(conversation, kb, r.json.text, model, message);
  emit("start", { user_message: question, message_id: message.id, model: model.id });
  await sendStream(r.request, r.response, stream);
});
on("POST", "/api/conversations/:id/messages/:message/retry", async (r) => {
  const conversation = conversationOf(r);
  const message = blankAnswer();
  conversation.messages[conversation.messages.length - 1] = message;
  const question = conversation.messages.findLast((m) => m.role === "user");
  const model = modelOf(r.json.model);
  const { stream, emit } = openStream(conversation, kbs.get(conversation.kb), question.text, model, message);
  emit("start", { user_message: question, message_id: message.id, model: model.id });
  await sendStream(r.request, r.response, stream);
});
on("GET", "/api/conversations/:id/messages/:message/events", async (r) => {
  const stream = streams.get(r.params.message);
  if (!stream) throw notFound("stream of this answer any more");
  const last = r.request.headers["last-event-id"] ?? r.query.get("after") ?? "";
  await sendStream(r.request, r.response, stream, Number(last.split(":")[1] ?? 0));
});
on("POST", "/api/conversations/:id/messages/:message/stop", (r) => {
  streams.get(r.params.message)?.stop();
  return [204];
});
on("PUT", "/api/messages/:message/rating", (r) => {
  for (const conversation of conversations.values()) {
    const i = conversation.messages.findIndex((m) => m.id === r.params.message);
    const message = conversation.messages[i];
    if (!message) continue;
    message.rating = r.json.rating;
    const kb = kbs.get(conversation.kb);
    if (r.json.rating === "down")
      addQuestion(kb, conversation.messages[i - 1].text, "rated_down", message.text);
    for (const { id } of message.entries) {
      const counts = kb.ratings.get(id) ?? { up: 0, down: 0 };
      if (r.json.rating) counts[r.json.rating] += 1;
      kb.ratings.set(id, counts);
    }
    return [204];
  }
  throw notFound("such message");
});
on("GET", "/api/usage", () => {
  const days = [];
  for (let i = 0; i < 5; ++i) {
    const date = new Date(Date.now() - i * 86_400_000).toISOString().slice(0, 10);
    days.push({
      date,
      model: "extractive",
      provider: "extractive",
      n_calls: 31 + 7 * i,
      input_tokens: 0,
      cached_tokens: 0,
      output_tokens: 0,
      cost_usd: null,
      mean_latency_ms: 2.3,
      mean_first_token_ms: null,
    });
    if (i % 2 === 0)
      days.push({
        date,
        model: "slow",
        provider: "scripted",
        n_calls: 4 + i,
        input_tokens: 5120,
        cached_tokens: 1100,
        output_tokens: 930,
        cost_usd: 0.0213,
        mean_latency_ms: 1830,
        mean_first_token_ms: 310,
      });
  }
  return { days, totals: { n_calls: 238, input_tokens: 15360, output_tokens: 2790, cost_usd: 0.0639 } };
});
on("GET", "/api/prices", () => ({ prices }));
on("PUT", "/api/prices", ({ json }) => ({ prices: (prices = json.prices) }));
// Models of this machine: one that can be loaded.

const localModel = {
  id: "engine:smollm2-135m-q8_0",
  name: "smollm2-135m-q8_0",
  path: "/home/you/.local/share/quintet/models/smollm2-135m-q8_0.gguf",
  source: null,
  format: "gguf",
  size_bytes: 144_811_456,
  architecture: "llama",
  n_parameters: 134_515_008,
  quantization: "Q8_0",
  is_complete: true,
  problem: null,
  can_chat: true,
  can_delete: false,
  is_default: false,
  state: "not_loaded",
  error: null,
  options: { context: 0, threads: 0, parallel: 4 },
  n_answers: 0,
  n_generated: 0,
  engine: null,
};
const engine = {
  memory_bytes: 900_000_000,
  context: 8192,
  threads: 2,
  parallel: 4,
  isa: "avx2",
  n_running: 1,
  n_waiting: 0,
  tokens_per_s: 61.3,
  kv_tokens_used: 2048,
  kv_tokens_total: 32_768,
};
on("GET", "/api/models", () => ({
  models: [localModel],
  default: "extractive",
  choices: [
    { id: localModel.id, provider: "engine", model: localModel.name },
    { id: "extractive", provider: "extractive", model: "extractive" },
  ],
  downloads: [],
  folder: "/home/you/.local/share/quintet/models",
  free_memory_bytes: 6 * 2 ** 30,
}));
on("POST", "/api/models/:model/load", () => Object.assign(localModel, { state: "loaded", engine }));
on("POST", "/api/models/:model/unload", () =>
  Object.assign(localModel, { state: "not_loaded", engine: null }),
);

on("GET", "/api/traces/:trace", (r) => ({ spans: traces.get(r.params.trace) ?? [] }));

// The server

const types = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};
const csp = (ancestors) =>
  `default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; ` +
  `frame-ancestors ${ancestors}; base-uri 'none'; object-src 'none'`;

async function sendFile(response, pathname) {
  const isWidget = pathname === "/widget";
  const name = isWidget ? "widget.html" : path.extname(pathname) === "" ? "index.html" : pathname.slice(1);
  const file = path.join(dist, name);
  if (!file.startsWith(dist)) throw notFound("such file");
  const body = await readFile(file).catch(() => null);
  if (!body) throw notFound("such file");
  const type = types[path.extname(file)] ?? "application/octet-stream";
  const headers = {
    "Content-Type": `${type}; charset=utf-8`,
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
  };
  if (type === "text/html")
    headers["Content-Security-Policy"] = csp(isWidget ? ["'self'", ...allowedOrigins].join(" ") : "'none'");
  if (type === "text/html" && !isWidget) headers["Content-Security-Policy"] = csp("'self'");
  response.writeHead(200, headers).end(body);
}

async function handle(request, response) {
  const url = new URL(request.url, "http://localhost");
  if (!url.pathname.startsWith("/api/")) return sendFile(response, url.pathname);
  if (
    key !== undefined &&
    url.pathname !== "/api/info" &&
    request.headers.authorization !== `Bearer ${key}`
  ) {
    throw new Problem(401, "unauthorized", "This server needs a key.");
  }
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  for (const { method, match, handle: run } of routes) {
    const found = method === request.method && match.exec(url.pathname);
    if (!found) continue;
    const params = Object.fromEntries(
      Object.entries(found.groups ?? {}).map(([k, v]) => [k, decodeURIComponent(v)]),
    );
    const isJson =
      (request.headers["content-type"] ?? "").includes("json") && !url.pathname.endsWith("/import");
    const json = isJson && body.length > 0 ? JSON.parse(body.toString("utf8")) : {};
    const result = await run({ params, json, body, query: url.searchParams, request, response });
    if (response.headersSent) return;
    const [status, value, type = "application/json"] = Array.isArray(result) ? result : [200, result];
    response.writeHead(status, { "Content-Type": type });
    response.end(value === undefined ? undefined : typeof value === "string" ? value : JSON.stringify(value));
    return;
  }
  throw notFound("such route");
}

const seed = makeKb(
  "northwind",
  "Northwind help",
  "Orders, deliveries, returns and accounts of the Northwind shop.",
);
for (const fields of sampleEntries) putEntry(seed, cleanEntry(fields));
record(
  seed,
  "import",
  "Imported northwind.json",
  [...seed.entries.values()]
    .slice(0, 20)
    .map((entry) => ({ id: entry.id, before: null, after: { ...entry } })),
);
seed.history[0].n_entries = seed.entries.size;
for (const [i, entry] of [...seed.entries.values()].entries()) {
  if (i < 9)
    Object.assign(entry, { n_uses: 61 - i * 7, last_used: new Date(Date.now() - i * 36e5).toISOString() });
}
for (let i = 29; i > 0; --i) {
  const date = new Date(Date.now() - i * 86_400_000).toISOString().slice(0, 10);
  seed.perDay.set(date, { answered: 18 + ((i * 7) % 13), refused: (i * 5) % 6 });
}
for (const text of [
  "Do you ship to Iceland?",
  "Is shipping to Iceland possible",
  "Can I pay with cryptocurrency?",
  "do you take bitcoin or other cryptocurrency",
  "Are the boots vegan?",
]) {
  addQuestion(seed, text, "unanswered", null);
}
addQuestion(
  seed,
  "How do I get an invoice with my VAT number?",
  "rated_down",
  "You find invoices under Account → Orders.",
);

createServer((request, response) => {
  handle(request, response).catch((error) => {
    const isProblem = error instanceof Problem;
    if (!isProblem) console.error(error);
    if (response.headersSent) return void response.end();
    const { status = 500, code = "internal", extra = {} } = isProblem ? error : {};
    response.writeHead(status, { "Content-Type": "application/problem+json" });
    response.end(
      JSON.stringify({ type: "about:blank", title: code, status, detail: error.message, code, ...extra }),
    );
  });
}).listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${port}`));
