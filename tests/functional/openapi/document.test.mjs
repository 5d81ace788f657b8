import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { document, documentFile, operations, resolve, validate } from "./document.mjs";
import { root } from "./server.mjs";

test("the document is valid OpenAPI 3.1", async () => {
  const validator = new Validator();
  const result = await validator.validate(documentFile);
  assert.ok(result.valid, JSON.stringify(result.errors, null, 1));
  assert.equal(validator.version, "3.1");
  validator.resolveRefs(); // throws for a reference to nothing
});

test("every operation has a name of its own, a summary and a known tag", () => {
  const ids = operations.map((operation) => operation.id);
  assert.equal(new Set(ids).size, ids.length);
  const tags = document.tags.map((tag) => tag.name);
  for (const { id, definition } of operations) {
    assert.ok(definition.summary, id);
    assert.ok(definition.tags.length === 1 && tags.includes(definition.tags[0]), id);
  }
});

test("path parameters and paths agree", () => {
  for (const [path, item] of Object.entries(document.paths)) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    const declared = (item.parameters ?? []).map((parameter) => resolve(parameter)[0]).filter((one) => one.in === "path");
    assert.deepEqual(declared.map((one) => one.name), inPath, path);
    for (const one of declared) assert.equal(one.required, true, path);
  }
});

test("every operation describes a success and its problems", () => {
  for (const { id, definition, pointer } of operations) {
    const statuses = Object.keys(definition.responses);
    assert.ok(statuses.some((status) => status.startsWith("2")), id);
    assert.ok(statuses.includes("default"), id);
    for (const status of statuses.filter((one) => !one.startsWith("2"))) {
      const [response] = resolve(definition.responses[status], [...pointer, "responses", status]);
      assert.ok(response.content["application/problem+json"], `${id} ${status}`);
    }
    if (definition.security?.length !== 0) assert.ok(statuses.includes("401"), id);
  }
});

test("examples fit their schemas", () => {
  const visit = (node, pointer) => {
    if (node === null || typeof node !== "object") return;
    if (node.schema && node.example !== undefined && typeof node.example === "object")
      validate([...pointer, "schema"], node.example, pointer.join("/"));
    for (const example of (Array.isArray(node.examples) && node.properties && node.examples) || [])
      validate(pointer, example, pointer.join("/"));
    for (const [key, value] of Object.entries(node)) visit(value, [...pointer, key]);
  };
  visit(document, []);
});

test("every component is used", () => {
  const text = readFileSync(documentFile, "utf8");
  for (const [group, members] of Object.entries(document.components))
    for (const name of group === "securitySchemes" ? [] : Object.keys(members))
      assert.ok(text.includes(`"#/components/${group}/${name}"`), `${group}/${name}`);
});

test("the routes in the source and the paths of the document are the same", () => {
  const folder = join(root, "src/serving");
  const routes = readdirSync(folder)
    .filter((name) => name.endsWith("_routes.cpp"))
    .flatMap((name) => {
      const text = readFileSync(join(folder, name), "utf8").replaceAll(/\/\/.*/g, "");
      const full = [...text.matchAll(/"(GET|POST|PUT|PATCH|DELETE)",\s*"(\/[^"]*)"/g)].map((match) => `${match[1]} ${match[2]}`);
      const short = [...text.matchAll(/(?:instant|public_route)\(\s*"(\/[^"]*)"/g)].map((match) => `GET ${match[1]}`);
      return [...full, ...short];
    });
  const documented = operations.map((operation) => `${operation.method} ${operation.path}`);
  assert.deepEqual([...new Set(routes)].sort(), documented.sort());
});
