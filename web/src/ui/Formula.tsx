import katex from "katex";
import "katex/dist/katex.min.css";

// A chunk of its own, loaded with the first formula. KaTeX escapes what it prints; with `trust` off it makes no
// links, images, classes or ids from the input, and the limits stop macro bombs and page-sized boxes.
export default function Formula({ tex, isDisplay }: { tex: string; isDisplay: boolean }) {
  const html = katex.renderToString(tex, {
    displayMode: isDisplay,
    throwOnError: false,
    trust: false,
    strict: "ignore",
    maxExpand: 200,
    maxSize: 20,
    errorColor: "inherit",
  });
  return (
    <span
      className={isDisplay ? "formula formula-display" : "formula"}
      dangerouslySetInnerHTML={{ __html: html }}
    />
  );
}
