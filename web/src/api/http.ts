import { type Decoder, isRecord } from "./decode";
import { apiKey } from "./key";
import { visitor } from "./visitor";

/** What the server said was wrong (RFC 9457), or that it could not be reached (`status` 0). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  /** All members of the problem, for those that carry more (`current`, `report`). */
  readonly problem: Record<string, unknown>;

  constructor(status: number, problem: Record<string, unknown>) {
    const title = typeof problem["title"] === "string" ? problem["title"] : `The server answered ${status}`;
    const detail =
      typeof problem["detail"] === "string" && problem["detail"] !== "" ? problem["detail"] : title;
    super(detail);
    this.name = "ApiError";
    this.status = status;
    this.title = title;
    this.code = typeof problem["code"] === "string" ? problem["code"] : "";
    this.problem = problem;
  }

  static async from(response: Response): Promise<ApiError> {
    const body: unknown = await response.json().catch(() => null);
    return new ApiError(response.status, isRecord(body) ? body : {});
  }

  static unreachable(): ApiError {
    return new ApiError(0, {
      title: "The server cannot be reached",
      detail: "The server cannot be reached. Check that Quintet is running, then try again.",
      code: "unavailable",
    });
  }
}

/** The sentence to show a person. */
export function describeError(error: unknown): string {
  return error instanceof Error && error.message !== "" ? error.message : "Something went wrong.";
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

export interface RequestOptions {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  json?: unknown;
  body?: Blob;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Finish even when the page is closed. */
  keepalive?: boolean;
}

export async function send(path: string, options: RequestOptions = {}): Promise<Response> {
  const headers = new Headers(options.headers);
  const init: RequestInit = { method: options.method ?? "GET", headers, cache: "no-store" };
  if (options.json !== undefined) {
    headers.set("Content-Type", "application/json");
    init.body = JSON.stringify(options.json);
  } else if (options.body) {
    headers.set("Content-Type", options.body.type || "application/octet-stream");
    init.body = options.body;
  }
  const key = apiKey.get();
  if (key !== null) headers.set("Authorization", `Bearer ${key}`);
  const visitorName = visitor.get();
  if (visitorName !== null) headers.set("X-Quintet-Visitor", visitorName);
  if (options.signal) init.signal = options.signal;
  if (options.keepalive) init.keepalive = true;

  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    throw isAbort(error) ? error : ApiError.unreachable();
  }
  if (response.ok) return response;
  if (response.status === 401) apiKey.reject(key);
  throw await ApiError.from(response);
}

export async function getJson<T>(path: string, decode: Decoder<T>, options?: RequestOptions): Promise<T> {
  const response = await send(path, options);
  let body: unknown;
  try {
    body = await response.json();
  } catch (error) {
    throw isAbort(error) ? error : ApiError.unreachable(); // the connection broke inside the body
  }
  return decode(body, "");
}

/** `path?a=1&b=2`, leaving out what is empty. */
export function withQuery(
  path: string,
  query: Record<string, string | number | boolean | null | undefined>,
): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") params.set(name, String(value));
  }
  const text = params.toString();
  return text === "" ? path : `${path}?${text}`;
}
