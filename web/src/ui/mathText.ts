// Model output writes maths as $…$, $$…$$, \(…\) and \[…\], while an FAQ writes "$5 to $10".

/** Code spans and fenced blocks, in which nothing may be touched. */
const kCode =
  /(^|\n)[ ]{0,3}(`{3,}|~{3,})[^\n]*\n[\s\S]*?(?:\n[ ]{0,3}\2[`~]*(?=\s*(?:\n|$))|$)|(`+)(?!`)[\s\S]*?[^`]\3(?!`)/g;

/** Pandoc's rule: no space inside the dollars, and no digit after the closing one. */
const kInline = /(?<![\\$])\$(?![\s$])((?:\\[\s\S]|[^$\\\n]|\n(?!\n))*?[^\s\\$])\$(?![\d$])/g;
const kDisplay = /(?<!\\)\$\$([\s\S]+?)\$\$/g;

function normalisePlain(text: string): string {
  const formulas: string[] = [];
  const keep = (formula: string) => `\u{f0000}${formulas.push(formula) - 1}\u{f0001}`;
  return text
    .replace(kDisplay, (_, tex: string) => keep(`\n$$\n${tex.trim()}\n$$\n`))
    .replace(/\\\[([\s\S]+?)\\\]/g, (_, tex: string) => keep(`\n$$\n${tex.trim()}\n$$\n`))
    .replace(/\\\(([\s\S]+?)\\\)/g, (_, tex: string) => keep(`$${tex.trim()}$`))
    .replace(kInline, (_, tex: string) => keep(`$${tex}$`))
    .replace(/(?<!\\)\$/g, "\\$")
    .replace(/\u{f0000}(\d+)\u{f0001}/gu, (_, i: string) => formulas[Number(i)] ?? "");
}

/** The same text with every formula in remark-math's form and every other dollar escaped. */
export function normaliseMath(markdown: string): string {
  if (!/[$\\]/.test(markdown)) return markdown;
  let out = "";
  let at = 0;
  for (const match of markdown.matchAll(kCode)) {
    out += normalisePlain(markdown.slice(at, match.index)) + match[0];
    at = match.index + match[0].length;
  }
  return out + normalisePlain(markdown.slice(at));
}
