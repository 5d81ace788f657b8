import { expect, test } from "vitest";
import { snippetOf } from "./snippet";

test("the snippet is one line and quotes what a person typed", () => {
  const options = { origin: "http://127.0.0.1:8321", kb: "shop", title: "", color: "" };
  expect(snippetOf(options)).toBe(
    '<script src="http://127.0.0.1:8321/widget.js" data-kb="shop" async></script>',
  );
  expect(snippetOf({ ...options, title: 'Ask "us" <b>' })).toContain(
    'data-title="Ask &quot;us&quot; &lt;b&gt;"',
  );
});
