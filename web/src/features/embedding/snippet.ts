export interface SnippetOptions {
  origin: string;
  kb: string;
  title: string;
  color: string;
}

const quoted = (text: string): string =>
  text.replace(/&/g, "&amp;").replace(/"/g, "&quot;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

/** The one line that puts the chat on a site. */
export function snippetOf({ origin, kb, title, color }: SnippetOptions): string {
  const attributes = [
    `src="${quoted(origin)}/widget.js"`,
    `data-kb="${quoted(kb)}"`,
    ...(title === "" ? [] : [`data-title="${quoted(title)}"`]),
    ...(color === "" ? [] : [`data-color="${quoted(color)}"`]),
  ];
  return `<script ${attributes.join(" ")} async></script>`;
}
