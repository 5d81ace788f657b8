// Shows Markdown that nobody vouches for: a model's output or an imported FAQ. It is parsed to elements, never to
// HTML text: raw HTML stays visible text, links go to http, https and mailto only, and images are links, because
// fetching one would tell its server who reads.
import { Children, isValidElement, lazy, memo, type ReactNode, Suspense, useState } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import remarkMath from "remark-math";
import { IconButton } from "./Button";
import { copyText } from "./download";
import "./markdown.css";
import { normaliseMath } from "./mathText";

const Formula = lazy(() => import("./Formula"));

/** Longer texts are shown as they are: parsing them would block the page for too long. */
const kMaxMarkdownChars = 200_000;

function safeUrl(url: string | undefined): string | null {
  if (!url) return null;
  try {
    const { protocol } = new URL(url, window.location.href);
    return ["http:", "https:", "mailto:"].includes(protocol) ? url : null;
  } catch {
    return null;
  }
}

function ExternalLink({ href, children }: { href: string | undefined; children?: ReactNode }) {
  const url = safeUrl(href);
  if (url === null) return <span>{children}</span>;
  if (url.startsWith("#")) return <a href={url}>{children}</a>;
  return (
    <a href={url} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}

function textOf(node: ReactNode): string {
  if (typeof node === "string" || typeof node === "number") return String(node);
  if (Array.isArray(node)) return node.map(textOf).join("");
  if (isValidElement<{ children?: ReactNode }>(node)) return textOf(node.props.children);
  return "";
}

function CodeBlock({ children }: { children?: ReactNode }) {
  const [isCopied, setCopied] = useState(false);
  const code = Children.toArray(children)[0];
  const className = isValidElement<{ className?: string }>(code) ? (code.props.className ?? "") : "";
  if (className.includes("math-display")) return <>{children}</>;
  const language = /language-([\w+#-]+)/.exec(className)?.[1] ?? "";
  const copy = async () => {
    setCopied(await copyText(textOf(children)));
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <div className="code-block">
      <div className="code-head">
        <span>{language}</span>
        <IconButton
          icon={isCopied ? "check" : "copy"}
          label={isCopied ? "Copied" : "Copy code"}
          size={15}
          onClick={() => void copy()}
        />
      </div>
      <pre tabIndex={0}>{children}</pre>
    </div>
  );
}

const components: Components = {
  a: ({ href, children }) => <ExternalLink href={href}>{children}</ExternalLink>,
  img: ({ src, alt }) => (
    <ExternalLink href={typeof src === "string" ? src : undefined}>{alt || "image"} (image)</ExternalLink>
  ),
  pre: ({ children }) => <CodeBlock>{children}</CodeBlock>,
  code: ({ className, children }) => {
    if (className?.includes("math-")) {
      const tex = textOf(children);
      return (
        <Suspense fallback={<code>{tex}</code>}>
          <Formula tex={tex} isDisplay={className.includes("math-display")} />
        </Suspense>
      );
    }
    return <code className={className}>{children}</code>;
  },
  table: ({ children }) => (
    <div className="table-scroll" tabIndex={0} role="region" aria-label="Table">
      <table>{children}</table>
    </div>
  ),
  input: ({ checked }) => (
    <input type="checkbox" checked={checked === true} disabled readOnly aria-label="Task" />
  ),
  // An answer's headings stand below those of the page.
  h1: ({ children }) => <h2>{children}</h2>,
  h2: ({ children }) => <h3>{children}</h3>,
  h3: ({ children }) => <h4>{children}</h4>,
  h4: ({ children }) => <h5>{children}</h5>,
};

const remarkPlugins = [remarkGfm, remarkMath];

export const Markdown = memo(function Markdown({
  text,
  withCaret = false,
}: {
  text: string;
  withCaret?: boolean;
}) {
  const className = withCaret ? "markdown with-caret" : "markdown";
  if (text.length > kMaxMarkdownChars) return <div className={`${className} plain-text`}>{text}</div>;
  return (
    <div className={className}>
      <ReactMarkdown
        remarkPlugins={remarkPlugins}
        components={components}
        urlTransform={(url) => safeUrl(url) ?? ""}
      >
        {normaliseMath(text)}
      </ReactMarkdown>
    </div>
  );
});
