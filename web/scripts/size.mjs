// What a first visit downloads, brotli-compressed as the server sends it, against the budgets in README.md.
import { readFile } from "node:fs/promises";
import path from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

const dist = path.join(import.meta.dirname, "../dist");
const compressed = (bytes) =>
  brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length;

/** The page and everything its HTML names; chunks imported statically follow from those. */
async function firstLoad(page) {
  const sizes = new Map();
  const visit = async (name) => {
    if (sizes.has(name)) return;
    const bytes = await readFile(path.join(dist, name));
    sizes.set(name, compressed(bytes));
    const text = bytes.toString("utf8");
    const found = name.endsWith(".html")
      ? [...text.matchAll(/(?:src|href)="\/([^"]+)"/g)].map((match) => match[1])
      : name.endsWith(".js")
        ? [...text.matchAll(/(?:^|[;}])(?:import|export)(?:[^"'`();]*from)?["']\.\/([^"']+)["']/g)].map(
            (match) => path.posix.join(path.posix.dirname(name), match[1]),
          )
        : [];
    for (const next of found) await visit(next);
  };
  await visit(page);
  return sizes;
}

let isOver = false;
for (const [page, budget] of [
  ["index.html", 200_000],
  ["widget.html", 60_000],
  ["widget.js", 4_000],
]) {
  const sizes = await firstLoad(page);
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  isOver ||= total > budget;
  console.log(`${page}: ${total} bytes brotli of ${budget}${total > budget ? "  TOO LARGE" : ""}`);
  for (const [name, size] of sizes) console.log(`  ${String(size).padStart(7)}  ${name}`);
}
process.exit(isOver ? 1 : 0);
