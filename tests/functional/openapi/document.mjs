// The OpenAPI document as a judge of real responses.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { root } from "./server.mjs";

export const documentFile = join(root, "src/serving/openapi.json");
export const document = JSON.parse(readFileSync(documentFile, "utf8"));

const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default ? addFormats.default(ajv) : addFormats(ajv);
ajv.addSchema(document, "openapi.json");

const methods = ["get", "put", "post", "patch", "delete"];
const escapePointer = (name) => name.replaceAll("~", "~0").replaceAll("/", "~1");

/** Every operation: {id, method, path, definition, pointer}. */
export const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  methods
    .filter((method) => item[method])
    .map((method) => ({
      id: item[method].operationId,
      method: method.toUpperCase(),
      path,
      definition: item[method],
      pointer: ["paths", path, method],
    })),
);

/** Follows a $ref; gives [value, pointer]. */
export function resolve(value, pointer) {
  if (!value?.$ref) return [value, pointer];
  const parts = value.$ref.slice(2).split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  return [parts.reduce((node, part) => node[part], document), parts];
}

export function validate(pointer, value, what) {
  const uri = `openapi.json#/${pointer.map((part) => encodeURIComponent(escapePointer(part))).join("/")}`;
  const check = ajv.getSchema(uri) ?? ajv.compile({ $ref: uri });
  const isValid = check(value);
  assert.ok(isValid, `${what}: ${ajv.errorsText(check.errors)}\n${JSON.stringify(value, null, 1).slice(0, 1500)}`);
}

export function parseEvents(text) {
  return text
    .split("\n\n")
    .map((block) => block.split("\n").filter((line) => line !== "" && !line.startsWith(":")))
    .filter((lines) => lines.length > 0)
    .map((lines) => {
      const field = (name) => lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2)).join("\n");
      return { type: field("event"), id: field("id"), data: JSON.parse(field("data")) };
    });
}

/** Sends requests by operation id and holds every answer against the document. */
export class Client {
  constructor(url, headers = {}) {
    this.url = url;
    this.headers = headers;
  }

  static seen = new Set(); // "operationId status"
  static seenEvents = new Set();

  async call(id, { status, path = {}, query = {}, body, raw, type = "application/json", headers = {}, read = true } = {}) {
    const operation = operations.find((one) => one.id === id);
    assert.ok(operation, `no operation ${id}`);
    const target = operation.path.replace(/\{(\w+)\}/g, (_, name) => {
      assert.ok(path[name] !== undefined, `${id}: no ${name}`);
      return encodeURIComponent(path[name]);
    });
    const search = new URLSearchParams(query).toString();
    const content = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(`${this.url}${target}${search ? `?${search}` : ""}`, {
      method: operation.method,
      body: content,
      headers: { ...this.headers, ...(content === undefined ? {} : { "Content-Type": type }), ...headers },
    });
    if (status !== undefined && response.status !== status)
      assert.fail(`${id}: status ${response.status}, not ${status}: ${await response.text()}`);
    return this.check(operation, response, read);
  }

  /** Validates status, content type and body; gives the body. */
  async check(operation, response, read = true) {
    const what = `${operation.id} ${response.status}`;
    const { responses } = operation.definition;
    const key = responses[response.status] ? String(response.status) : "default";
    assert.ok(responses[key], `${what} is not documented`);
    assert.ok(key !== "default" || response.status >= 400, `${what} is a success that is not documented`);
    const [definition, pointer] = resolve(responses[key], [...operation.pointer, "responses", key]);
    Client.seen.add(`${operation.id} ${key === "default" ? "default" : response.status}`);
    if (!read) return response;
    const text = await response.text();
    if (!definition.content) {
      assert.equal(text, "", `${what} has a body`);
      return undefined;
    }
    const type = (response.headers.get("content-type") ?? "").split(";")[0];
    assert.ok(definition.content[type], `${what}: content type ${type} is not documented`);
    if (type === "text/event-stream") return this.checkEvents(definition.content[type], [...pointer, "content", type], text, what);
    const value = type.endsWith("json") ? JSON.parse(text) : text;
    validate([...pointer, "content", type, "schema"], value, what);
    if (type === "application/problem+json") {
      assert.equal(value.status, response.status, what);
      assert.equal(value.request_id, response.headers.get("x-request-id"), what);
    }
    return value;
  }

  checkEvents(content, pointer, text, what) {
    const events = parseEvents(text);
    assert.ok(events.length > 0, `${what}: no events`);
    events.forEach((event, i) => {
      assert.ok(content["x-events"][event.type], `${what}: event ${event.type} is not documented`);
      validate([...pointer, "x-events", event.type], event.data, `${what}, event ${event.type}`);
      if (i > 0) assert.equal(Number(event.id.split(":")[1]), Number(events[i - 1].id.split(":")[1]) + 1, what);
      Client.seenEvents.add(event.type);
    });
    assert.ok(["done", "error"].includes(events.at(-1).type), `${what} ends with ${events.at(-1).type}`);
    return events;
  }
}
