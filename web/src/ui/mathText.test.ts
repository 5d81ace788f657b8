import { expect, test } from "vitest";
import { normaliseMath } from "./mathText";

test("prices stay prices", () => {
  expect(normaliseMath("From $5 to $10 a month")).toBe("From \\$5 to \\$10 a month");
  expect(normaliseMath("$5-$10")).toBe("\\$5-\\$10");
});

test("formulas keep their dollars", () => {
  expect(normaliseMath("so $E = mc^2$ holds")).toBe("so $E = mc^2$ holds");
  expect(normaliseMath("costs $5, and $x_1$ is")).toBe("costs \\$5, and $x_1$ is");
});

test("LaTeX brackets become dollars", () => {
  expect(normaliseMath("\\(a+b\\)")).toBe("$a+b$");
  expect(normaliseMath("\\[a+b\\]")).toBe("\n$$\na+b\n$$\n");
  expect(normaliseMath("$$a$$")).toBe("\n$$\na\n$$\n");
});

test("code is left alone", () => {
  const code = "`$HOME and $PATH` and\n\n```sh\necho $A$B \\(x\\)\n```\n";
  expect(normaliseMath(code)).toBe(code);
});
