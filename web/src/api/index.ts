export * as api from "./client";
export { type AnswerEvent, type AnswerSource, streamAnswer } from "./answers";
export { ApiError, describeError, isAbort } from "./http";
export { apiKey, type KeyState } from "./key";
export { decodeEntry, decodeImportReport } from "./types";
export type * from "./types";
export { visitor } from "./visitor";
