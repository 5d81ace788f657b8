// Runs the browser tests against the server at $QUINTET_URL and ends with "N passed, N failed".
//   QUINTET_URL=http://127.0.0.1:8321 node run.mjs [part of a file's name]...
import { readdir } from "node:fs/promises";
import path from "node:path";
import { run } from "node:test";

if (!process.env.QUINTET_URL) {
  console.error("run.mjs: set QUINTET_URL to the address of a running server");
  process.exit(2);
}

const here = import.meta.dirname;
const wanted = process.argv.slice(2);
const files = (await readdir(here))
  .filter((name) => name.endsWith(".test.mjs"))
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
  .sort()
  .map((name) => path.join(here, name));

let passed = 0;
let failed = 0;
let skipped = 0;
const isTest = (data) => data.details?.type !== "suite" && !files.includes(data.name);

const stream = run({ files, concurrency: 1, timeout: 1_200_000 });
stream.on("test:pass", (data) => {
  if (!isTest(data)) return;
  if (data.skip !== undefined) {
    ++skipped;
    console.log(`skip  ${data.name}  (${data.skip})`);
    return;
  }
  ++passed;
  console.log(`ok    ${data.name}  ${Math.round(data.details.duration_ms)} ms`);
});
stream.on("test:fail", (data) => {
  if (!isTest(data) && data.details?.error?.failureType === "subtestsFailed") return;
  ++failed;
  const cause = data.details?.error?.cause ?? data.details?.error;
  console.log(`FAIL  ${data.name}\n${String(cause?.stack ?? cause).replace(/^/gm, "      ")}`);
});
stream.on("test:stderr", (data) => process.stderr.write(data.message));
stream.on("end", () => {
  console.log(`${skipped > 0 ? `${skipped} skipped, ` : ""}${passed} passed, ${failed} failed`);
  process.exit(failed > 0 || passed === 0 ? 1 : 0);
});
stream.resume();
