import path from "node:path";

// The folders of src/ in the order in which they may use each other; see the handbook, "TypeScript and React".
const uses = {
  api: ["api"],
  ui: ["ui"],
  features: ["api", "ui", "features"],
  pages: ["api", "ui", "features", "pages"],
  embed: ["api", "ui", "features", "embed"],
};

/** Why `from` (a file) must not import `specifier`, or null when it may. Paths are relative to src/. */
export function importProblem(from, specifier) {
  if (!specifier.startsWith(".")) return null;
  const target = path.posix.normalize(path.posix.join(path.posix.dirname(from), specifier));
  const [fromLayer, fromFeature] = from.split("/");
  const [toLayer, toFeature, ...rest] = target.split("/");
  const allowed = uses[fromLayer];
  if (!allowed) return null; // main.tsx composes
  if (toLayer === "main" || !allowed.includes(toLayer))
    return `${fromLayer}/ must not import from ${toLayer}/`;
  if (toLayer !== "features" || (fromLayer === "features" && fromFeature === toFeature)) return null;
  if (rest.length === 0 || (rest.length === 1 && /^index(\.ts)?$/.test(rest[0]))) return null;
  return `import the feature "${toFeature}" through its index.ts`;
}

export default {
  meta: { type: "problem", schema: [] },
  create(context) {
    const file = context.filename.split(path.sep).join("/");
    const at = file.lastIndexOf("/src/");
    if (at < 0) return {};
    const from = file.slice(at + "/src/".length);
    const check = (node, source) => {
      if (typeof source?.value !== "string") return;
      const message = importProblem(from, source.value);
      if (message) context.report({ node, message });
    };
    return {
      ImportDeclaration: (node) => check(node, node.source),
      ExportNamedDeclaration: (node) => check(node, node.source),
      ExportAllDeclaration: (node) => check(node, node.source),
      ImportExpression: (node) => check(node, node.source),
    };
  },
};
