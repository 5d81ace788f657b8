import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";
import importArrow from "./eslint/import-arrow.js";

const noFetch = "Only src/api talks to the server.";

export default tseslint.config(
  { ignores: ["dist", "node_modules"] },
  ...tseslint.configs.strict,
  hooks.configs.flat["recommended-latest"],
  {
    plugins: { quintet: { rules: { "import-arrow": importArrow } } },
    rules: {
      "quintet/import-arrow": "error",
      "no-restricted-globals": ["error", { name: "fetch", message: noFetch }],
      "no-restricted-syntax": [
        "error",
        { selector: "TSNonNullExpression", message: "Say what happens when it is absent." },
      ],
      eqeqeq: "error",
      "no-console": "error",
    },
  },
  { files: ["src/api/**"], rules: { "no-restricted-globals": "off" } },
  { files: ["dev/**", "scripts/**"], rules: { "no-console": "off" } },
);
