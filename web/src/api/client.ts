import { getJson, send, withQuery } from "./http";
import * as t from "./types";

const kb = (name: string) => `/api/faq/kbs/${encodeURIComponent(name)}`;
const conversation = (id: string) => `/api/conversations/${encodeURIComponent(id)}`;

export const getInfo = (signal?: AbortSignal) =>
  getJson("/api/info", t.decodeInfo, { ...(signal && { signal }) });

// Knowledge bases

export const listKbs = async (signal: AbortSignal) =>
  (await getJson("/api/faq/kbs", t.decodeKbs, { signal })).kbs;

export const getKb = (name: string, signal?: AbortSignal) =>
  getJson(kb(name), t.decodeKb, { ...(signal && { signal }) });

export const createKb = (json: { name: string; title?: string; description?: string }) =>
  getJson("/api/faq/kbs", t.decodeKb, { method: "POST", json });

export const updateKb = (name: string, json: { title?: string; description?: string }) =>
  getJson(kb(name), t.decodeKb, { method: "PATCH", json });

export const deleteKb = async (name: string): Promise<void> =>
  void (await send(kb(name), { method: "DELETE" }));

export const listEntries = (
  name: string,
  query: { query?: string; tag?: string; cursor?: string | null; limit?: number },
  signal?: AbortSignal,
) => getJson(withQuery(`${kb(name)}/entries`, query), t.decodeEntries, { ...(signal && { signal }) });

export const getEntry = (name: string, id: string, signal?: AbortSignal) =>
  getJson(`${kb(name)}/entries/${encodeURIComponent(id)}`, t.decodeEntry, { ...(signal && { signal }) });

export const createEntry = (name: string, draft: t.EntryDraft, inboxIds: readonly string[] = []) =>
  getJson(`${kb(name)}/entries`, t.decodeEntry, {
    method: "POST",
    json: { ...draft, ...(inboxIds.length > 0 && { inbox_ids: inboxIds }) },
  });

export const updateEntry = (name: string, id: string, draft: t.EntryDraft, revision: number) =>
  getJson(`${kb(name)}/entries/${encodeURIComponent(id)}`, t.decodeEntry, {
    method: "PUT",
    json: { ...draft, revision },
  });

export const deleteEntry = async (name: string, id: string, revision: number): Promise<void> =>
  void (await send(withQuery(`${kb(name)}/entries/${encodeURIComponent(id)}`, { revision }), {
    method: "DELETE",
  }));

export const importFile = (
  name: string,
  file: File,
  options: { mode: "preview" | "merge" | "replace"; skipBad: boolean },
  signal?: AbortSignal,
) =>
  getJson(
    withQuery(`${kb(name)}/import`, {
      format: "auto",
      mode: options.mode,
      skip_bad: options.skipBad,
      filename: file.name,
    }),
    t.decodeImportReport,
    { method: "POST", body: file, ...(signal && { signal }) },
  );

export const exportKb = async (name: string, format: "json" | "jsonl" | "csv" | "markdown"): Promise<Blob> =>
  (await send(withQuery(`${kb(name)}/export`, { format }))).blob();

export const getHistory = (name: string, cursor: string | null, signal?: AbortSignal) =>
  getJson(withQuery(`${kb(name)}/history`, { cursor, limit: 30 }), t.decodeHistory, {
    ...(signal && { signal }),
  });

export const undoChange = (name: string, id: number) =>
  getJson(`${kb(name)}/history/${encodeURIComponent(id)}/undo`, t.decodeUndo, { method: "POST" });

export const ask = (name: string, question: string) =>
  getJson(`${kb(name)}/ask`, t.decodeAnswer, { method: "POST", json: { question } });

export const getInbox = (name: string, signal?: AbortSignal) =>
  getJson(`${kb(name)}/inbox`, t.decodeInbox, { ...(signal && { signal }) });

export const dismissQuestions = async (name: string, ids: readonly string[]): Promise<void> =>
  void (await send(`${kb(name)}/inbox/dismiss`, { method: "POST", json: { ids } }));

export const assignQuestions = (name: string, ids: readonly string[], entryId: string) =>
  getJson(`${kb(name)}/inbox/assign`, t.decodeEntry, { method: "POST", json: { ids, entry_id: entryId } });

export const getStats = (name: string, days: number, signal?: AbortSignal) =>
  getJson(withQuery(`${kb(name)}/stats`, { days }), t.decodeStats, { ...(signal && { signal }) });

// Conversations

export const listConversations = (query: { query?: string; cursor?: string | null }, signal?: AbortSignal) =>
  getJson(withQuery("/api/conversations", { ...query, limit: 50 }), t.decodeConversations, {
    ...(signal && { signal }),
  });

export const createConversation = (name: string) =>
  getJson("/api/conversations", t.decodeConversation, { method: "POST", json: { kb: name } });

export const getConversation = (id: string, signal?: AbortSignal) =>
  getJson(conversation(id), t.decodeThread, { ...(signal && { signal }) });

export const renameConversation = (id: string, title: string) =>
  getJson(conversation(id), t.decodeConversation, { method: "PATCH", json: { title } });

export const deleteConversation = async (id: string, keepalive = false): Promise<void> =>
  void (await send(conversation(id), { method: "DELETE", keepalive }));

export const exportConversation = async (id: string): Promise<Blob> =>
  (await send(`${conversation(id)}/export`)).blob();

export const stopAnswer = async (id: string, messageId: string): Promise<void> =>
  void (await send(`${conversation(id)}/messages/${encodeURIComponent(messageId)}/stop`, { method: "POST" }));

export const rateMessage = async (messageId: string, rating: t.Rating, comment?: string): Promise<void> =>
  void (await send(`/api/messages/${encodeURIComponent(messageId)}/rating`, {
    method: "PUT",
    json: { rating, ...(comment && { comment }) },
  }));

// Models on the server's machine

const localModel = (id: string) => `/api/models/${encodeURIComponent(id)}`;

export const listModels = (signal?: AbortSignal) =>
  getJson("/api/models", t.decodeLocalModels, { ...(signal && { signal }) });

/** Begins to load it; without settings with those of last time. */
export const loadModel = (id: string, settings?: t.EngineSettings) =>
  getJson(`${localModel(id)}/load`, t.decodeLocalModel, {
    method: "POST",
    ...(settings && { json: settings }),
  });

export const unloadModel = (id: string) =>
  getJson(`${localModel(id)}/unload`, t.decodeLocalModel, { method: "POST" });

export const deleteModel = async (id: string): Promise<void> =>
  void (await send(localModel(id), { method: "DELETE" }));

export const setDefaultModel = (id: string) =>
  getJson("/api/default-model", t.decodeDefaultModel, { method: "PUT", json: { model: id } });

export const startModelDownload = (source: string) =>
  getJson("/api/model-downloads", t.decodeModelDownload, { method: "POST", json: { source } });

export const stopModelDownload = async (id: string): Promise<void> =>
  void (await send(`/api/model-downloads/${encodeURIComponent(id)}`, { method: "DELETE" }));

// Usage, prices, traces

export const getUsage = (days: number, signal?: AbortSignal) =>
  getJson(withQuery("/api/usage", { days }), t.decodeUsageReport, { ...(signal && { signal }) });

export const getPrices = async (signal?: AbortSignal) =>
  (await getJson("/api/prices", t.decodePrices, { ...(signal && { signal }) })).prices;

export const putPrices = async (prices: readonly t.Price[]) =>
  (await getJson("/api/prices", t.decodePrices, { method: "PUT", json: { prices } })).prices;

export const getTrace = async (id: string, signal?: AbortSignal) =>
  (await getJson(`/api/traces/${encodeURIComponent(id)}`, t.decodeTrace, { ...(signal && { signal }) }))
    .spans;
