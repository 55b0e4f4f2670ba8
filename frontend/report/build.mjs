// Builds the script of the report page: one file, no import, nothing that is loaded later.
import { readFileSync } from "node:fs";
import { build } from "esbuild";

const OUT = "../../src/textaxa/report/static/report.js";

/** The page is one file that people pass on, so the licences travel inside the script. */
const notice = [
  "The script of a textaxa report. Apache-2.0.",
  "It contains parts of these works:",
  "",
  readFileSync("node_modules/echarts/NOTICE", "utf8").trim(),
  "Licensed under the Apache License, Version 2.0.",
  "",
  "ZRender",
  readFileSync("node_modules/zrender/LICENSE", "utf8").trim(),
].join("\n");

await build({
  entryPoints: ["src/main.ts"],
  outfile: OUT,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2020"],
  charset: "ascii", // the page may be read with any encoding
  legalComments: "none",
  // Every branch of ECharts that only helps while one develops falls away.
  define: { "process.env.NODE_ENV": '"production"' },
  banner: { js: `/*\n${notice.replaceAll("*/", "* /")}\n*/` },
  logLevel: "info",
});
