// Builds the page of the service: a script, a stylesheet, a document, and ECharts apart; nothing is loaded from elsewhere.
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { build } from "esbuild";

const OUT = process.env.OUT ?? "../../src/textaxa/server/static";

/** The scripts are passed on, so the licences of what they contain travel inside them. */
const notice = [
  "The page of textaxa's service. Apache-2.0.",
  "It contains parts of Preact and Preact Signals:",
  "",
  readFileSync("node_modules/preact/LICENSE", "utf8").trim(),
];
const noticeOfChart = [
  "The picture of the taxonomy in the page of textaxa's service. Apache-2.0.",
  "It contains parts of these works:",
  "",
  readFileSync("node_modules/echarts/NOTICE", "utf8").trim(),
  "Licensed under the Apache License, Version 2.0.",
  "",
  "ZRender",
  readFileSync("node_modules/zrender/LICENSE", "utf8").trim(),
];
const banner = (lines) => ({ js: `/*\n${lines.join("\n").replaceAll("*/", "* /")}\n*/` });

const settings = {
  outdir: OUT,
  bundle: true,
  minify: true,
  target: ["es2022"],
  legalComments: "none",
  // Every branch of a library that only helps while one develops falls away.
  define: { "process.env.NODE_ENV": '"production"' },
  logLevel: "info",
};

mkdirSync(OUT, { recursive: true });
await build({
  ...settings,
  entryPoints: { app: "src/main.tsx" },
  format: "iife",
  jsx: "automatic",
  jsxImportSource: "preact",
  banner: banner(notice),
});
// Loaded when the picture is first shown: the page is there without waiting for it.
await build({ ...settings, entryPoints: { chart: "src/try/chart.ts" }, format: "esm", banner: banner(noticeOfChart) });
copyFileSync("src/index.html", `${OUT}/index.html`);
