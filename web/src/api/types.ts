import { bool, type Decoded, fallback, list, nullable, num, object, oneOf, record, str } from "./decode";

export const decodeInfo = object({
  version: fallback(str, ""),
  auth_required: fallback(bool, false),
  apps: list(object({ id: str, title: str })),
  models: fallback(
    list(
      object({
        id: str,
        provider: str,
        model: str,
        is_generative: fallback(bool, false),
        is_default: fallback(bool, false),
      }),
    ),
    [],
  ),
  default_kb: nullable(str),
  widget: fallback(object({ allowed_origins: fallback(list(str), []) }), { allowed_origins: [] }),
  limits: fallback(
    object({ max_upload_bytes: fallback(num, 64 << 20), max_question_bytes: fallback(num, 16 << 10) }),
    { max_upload_bytes: 64 << 20, max_question_bytes: 16 << 10 },
  ),
});
export type Info = Decoded<typeof decodeInfo>;
export type Model = Info["models"][number];

export const decodeKb = object({
  name: str,
  title: fallback(str, ""),
  description: fallback(str, ""),
  n_entries: fallback(num, 0),
  n_alternatives: fallback(num, 0),
  languages: fallback(list(str), []),
  revision: fallback(num, 0),
  updated_at: fallback(str, ""),
  suggested: fallback(list(str), []),
});
export type Kb = Decoded<typeof decodeKb>;
export const decodeKbs = object({ kbs: list(decodeKb) });

export const decodeEntry = object({
  id: str,
  question: str,
  answer: str,
  alternatives: fallback(list(str), []),
  tags: fallback(list(str), []),
  language: fallback(str, ""),
  url: fallback(str, ""),
  revision: fallback(num, 0),
  updated_at: fallback(str, ""),
  updated_by: fallback(str, ""),
  n_uses: fallback(num, 0),
});
export type Entry = Decoded<typeof decodeEntry>;
export type EntryDraft = Pick<Entry, "question" | "answer" | "alternatives" | "tags" | "language" | "url">;
export const decodeEntries = object({ entries: list(decodeEntry), next_cursor: nullable(str), total: num });

export const decodeImportReport = object({
  format: fallback(str, ""),
  n_read: fallback(num, 0),
  n_new: fallback(num, 0),
  n_changed: fallback(num, 0),
  n_unchanged: fallback(num, 0),
  n_removed: fallback(num, 0),
  n_duplicates: fallback(num, 0),
  problems: fallback(
    list(
      object({
        line: fallback(num, 0),
        column: fallback(num, 0),
        severity: fallback(oneOf("error", "warning"), "error"),
        message: str,
      }),
    ),
    [],
  ),
  sample: fallback(list(object({ question: fallback(str, ""), answer: fallback(str, "") })), []),
  committed: fallback(bool, false),
  change_id: nullable(num),
});
export type ImportReport = Decoded<typeof decodeImportReport>;

export const decodeChange = object({
  id: num,
  time: str,
  actor: fallback(str, ""),
  kind: oneOf("create", "update", "delete", "import", "undo"),
  summary: fallback(str, ""),
  n_entries: fallback(num, 0),
  undone: fallback(bool, false),
  entries: fallback(
    list(object({ id: str, before: nullable(decodeEntry), after: nullable(decodeEntry) })),
    [],
  ),
});
export type Change = Decoded<typeof decodeChange>;
export const decodeHistory = object({ changes: list(decodeChange), next_cursor: nullable(str) });
export const decodeUndo = object({ change_id: num });

const decodeUsage = object({
  input_tokens: fallback(num, 0),
  cached_tokens: fallback(num, 0),
  output_tokens: fallback(num, 0),
});
const decodeNearest = list(object({ id: str, question: str, confidence: fallback(num, 0) }));
export type Nearest = Decoded<typeof decodeNearest>[number];

export const decodeAnswer = object({
  answer: fallback(str, ""),
  refused: fallback(bool, false),
  confidence: nullable(num),
  entries: fallback(list(str), []),
  nearest: fallback(decodeNearest, []),
});
export type Answer = Decoded<typeof decodeAnswer>;

export const decodeMessage = object({
  id: str,
  role: oneOf("user", "assistant"),
  text: fallback(str, ""),
  status: fallback(oneOf("complete", "streaming", "cancelled", "interrupted", "failed"), "complete"),
  created_at: fallback(str, ""),
  refused: fallback(bool, false),
  confidence: nullable(num),
  entries: fallback(list(object({ id: str, question: fallback(str, "") })), []),
  nearest: fallback(decodeNearest, []),
  model: fallback(str, ""),
  provider: fallback(str, ""),
  prompt: nullable(str),
  usage: nullable(decodeUsage),
  cost_usd: nullable(num),
  latency_ms: nullable(num),
  first_token_ms: nullable(num),
  error: nullable(decodeMessageError),
  rating: nullable(oneOf("up", "down")),
  trace_id: nullable(str),
});
export type Message = Decoded<typeof decodeMessage>;
export type Rating = Message["rating"];

/** A message's error is a sentence, or a problem whose detail is one. */
function decodeMessageError(value: unknown, path: string): string {
  if (typeof value === "string") return value;
  const problem = record(value, path);
  return str(problem["detail"] ?? problem["title"], `${path}.detail`);
}

export const decodeConversation = object({
  id: str,
  kb: fallback(str, ""),
  title: fallback(str, ""),
  created_at: fallback(str, ""),
  updated_at: fallback(str, ""),
  n_messages: fallback(num, 0),
});
export type Conversation = Decoded<typeof decodeConversation>;
export const decodeConversations = object({
  conversations: list(decodeConversation),
  next_cursor: nullable(str),
});
export const decodeThread = object({ conversation: decodeConversation, messages: list(decodeMessage) });
export type Thread = Decoded<typeof decodeThread>;

export const decodeInbox = object({
  clusters: list(
    object({
      id: str,
      title: str,
      n: fallback(num, 0),
      reasons: fallback(list(str), []),
      last_asked: fallback(str, ""),
      nearest: nullable(object({ id: str, question: str })),
      questions: list(
        object({
          id: str,
          text: str,
          asked_at: fallback(str, ""),
          reason: fallback(str, ""),
          answer: nullable(str),
          count: fallback(num, 1),
        }),
      ),
    }),
  ),
  total: fallback(num, 0),
});
export type Inbox = Decoded<typeof decodeInbox>;
export type Cluster = Inbox["clusters"][number];

export const decodeStats = object({
  n_questions: num,
  n_answered: num,
  n_refused: num,
  n_up: fallback(num, 0),
  n_down: fallback(num, 0),
  per_day: list(object({ date: str, answered: num, refused: num })),
  entries: list(
    object({
      id: str,
      question: str,
      n_uses: num,
      n_up: fallback(num, 0),
      n_down: fallback(num, 0),
      last_used: nullable(str),
    }),
  ),
});
export type Stats = Decoded<typeof decodeStats>;

export const decodeUsageReport = object({
  days: list(
    object({
      date: str,
      model: str,
      provider: fallback(str, ""),
      n_calls: num,
      input_tokens: num,
      cached_tokens: fallback(num, 0),
      output_tokens: num,
      cost_usd: nullable(num),
      mean_latency_ms: nullable(num),
      mean_first_token_ms: nullable(num),
    }),
  ),
  totals: object({ n_calls: num, input_tokens: num, output_tokens: num, cost_usd: nullable(num) }),
});
export type UsageReport = Decoded<typeof decodeUsageReport>;

export const decodeLocalModel = object({
  id: str,
  name: str,
  path: fallback(str, ""),
  source: nullable(str),
  format: fallback(str, ""),
  size_bytes: fallback(num, 0),
  architecture: fallback(str, ""),
  n_parameters: fallback(num, 0),
  quantization: fallback(str, ""),
  is_complete: fallback(bool, false),
  problem: nullable(str),
  can_chat: fallback(bool, false),
  can_delete: fallback(bool, false),
  is_default: fallback(bool, false),
  state: oneOf("not_loaded", "loading", "loaded", "unloading", "failed"),
  error: nullable(str),
  options: object({ context: num, threads: num, parallel: num }),
  n_answers: fallback(num, 0),
  n_generated: fallback(num, 0),
  engine: nullable(
    object({
      memory_bytes: num,
      context: num,
      threads: num,
      parallel: num,
      isa: fallback(str, ""),
      n_running: num,
      n_waiting: num,
      tokens_per_s: num,
      kv_tokens_used: num,
      kv_tokens_total: num,
    }),
  ),
});
export type LocalModel = Decoded<typeof decodeLocalModel>;
export type EngineSettings = LocalModel["options"];

export const decodeModelDownload = object({
  id: str,
  source: str,
  state: oneOf("running", "done", "failed", "cancelled"),
  error: nullable(str),
  file: nullable(str),
  i_file: fallback(num, 0),
  n_files: fallback(num, 1),
  is_checking: fallback(bool, false),
  note: nullable(str),
  bytes: fallback(num, 0),
  total_bytes: nullable(num),
  bytes_per_s: fallback(num, 0),
  seconds_left: nullable(num),
});
export type ModelDownload = Decoded<typeof decodeModelDownload>;

export const decodeLocalModels = object({
  models: list(decodeLocalModel),
  default: str,
  choices: list(object({ id: str, provider: str, model: str })),
  downloads: fallback(list(decodeModelDownload), []),
  folder: fallback(str, ""),
  free_memory_bytes: fallback(num, 0),
});
export type LocalModels = Decoded<typeof decodeLocalModels>;
export const decodeDefaultModel = object({ default: str });

export const decodePrices = object({
  prices: list(
    object({ model: str, input_per_mtok: num, cached_per_mtok: fallback(num, 0), output_per_mtok: num }),
  ),
});
export type Price = Decoded<typeof decodePrices>["prices"][number];

export const decodeTrace = object({
  spans: list(
    object({
      span_id: str,
      parent_span_id: nullable(str),
      name: str,
      start: str,
      duration_ms: num,
      attributes: fallback(record, {}),
      failed: fallback(bool, false),
      status_message: fallback(str, ""),
    }),
  ),
});
export type Span = Decoded<typeof decodeTrace>["spans"][number];
