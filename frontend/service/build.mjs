// Builds the page of the service: one script, one stylesheet, one document; nothing is loaded from elsewhere.
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { build } from "esbuild";

const OUT = "../../src/textaxa/server/static";

/** The script is passed on, so the licences of what it contains travel inside it. */
const notice = [
  "The page of textaxa's service. Apache-2.0.",
  "It contains parts of Preact and Preact Signals:",
  "",
  readFileSync("node_modules/preact/LICENSE", "utf8").trim(),
].join("\n");

mkdirSync(OUT, { recursive: true });
await build({
  entryPoints: { app: "src/main.tsx" },
  outdir: OUT,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2022"],
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  // Every branch of a library that only helps while one develops falls away.
  define: { "process.env.NODE_ENV": '"production"' },
  banner: { js: `/*\n${notice.replaceAll("*/", "* /")}\n*/` },
  logLevel: "info",
});
copyFileSync("src/index.html", `${OUT}/index.html`);
