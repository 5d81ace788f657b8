export interface DiffPart {
  kind: "same" | "added" | "removed";
  text: string;
}

const kMaxWords = 1500;

function merge(parts: DiffPart[]): DiffPart[] {
  const merged: DiffPart[] = [];
  for (const part of parts) {
    const last = merged.at(-1);
    if (last && last.kind === part.kind) last.text += part.text;
    else if (part.text !== "") merged.push({ ...part });
  }
  return merged;
}

/**
 * What turns `before` into `after`, word by word: the longest common subsequence, O(n·m) in words. Texts with more
 * than kMaxWords words are shown as replaced whole, because nobody reads a diff of that size word by word.
 */
export function diffWords(before: string, after: string): DiffPart[] {
  if (before === after) return before === "" ? [] : [{ kind: "same", text: before }];
  const a = before.match(/\s+|[^\s]+/g) ?? [];
  const b = after.match(/\s+|[^\s]+/g) ?? [];
  if (a.length > kMaxWords || b.length > kMaxWords) {
    return merge([
      { kind: "removed", text: before },
      { kind: "added", text: after },
    ]);
  }
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width); // [a.length + 1, b.length + 1]: LCS of the suffixes
  const at = (i: number, j: number) => lengths[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; --i) {
    for (let j = b.length - 1; j >= 0; --j) {
      lengths[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const parts: DiffPart[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const left = a[i];
    const right = b[j];
    if (left !== undefined && left === right) {
      parts.push({ kind: "same", text: left });
      ++i;
      ++j;
    } else if (left !== undefined && (right === undefined || at(i + 1, j) >= at(i, j + 1))) {
      parts.push({ kind: "removed", text: left });
      ++i;
    } else if (right !== undefined) {
      parts.push({ kind: "added", text: right });
      ++j;
    }
  }
  return merge(parts);
}
