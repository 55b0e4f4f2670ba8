// Files in, files out: what `textaxa predict` reads and writes, cell by cell.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decoded } from "../src/batch/bytes";
import { addedCells, addedColumns, decimal, newNames } from "../src/batch/cells";
import { likelyDelimiter, readSheet, writeRows } from "../src/batch/csv";
import { BadFile } from "../src/batch/faults";
import { joined, readObjects } from "../src/batch/jsonlines";
import { cellText, firstChoice, templateColumns, textOf } from "../src/batch/texts";

const read = (text: string, delimiter = ",") => readSheet(text, delimiter, "apps.csv");
const bytes = (...parts: (string | number[])[]) =>
  new Uint8Array(parts.flatMap((part) => (typeof part === "string" ? [...new TextEncoder().encode(part)] : part)));

test("quotes, delimiters and line ends inside cells, and the line on which rows begin", () => {
  const sheet = read('id,text\n1,"a ""b"", c"\n\n2,"two\nlines"\n3,last');
  assert.deepEqual(sheet.columns, ["id", "text"]);
  assert.deepEqual(sheet.rows, [["1", 'a "b", c'], ["2", "two\nlines"], ["3", "last"]]);
  assert.deepEqual(sheet.lines, [2, 4, 6]);
  assert.deepEqual(sheet.faults, []);
});

test("what stands around quotes is kept as Python's csv keeps it", () => {
  assert.deepEqual(read('a,b\nx"y",z\n"x"y,"z"\n').rows, [['x"y"', "z"], ["xy", "z"]]);
  assert.deepEqual(read("a,b\n,\n x , y \n").rows, [["", ""], [" x ", " y "]]);
  assert.deepEqual(read('a\n""\n\nx\n').rows, [[""], ["x"]]);
});

test("line ends of every system; a carriage return inside a text is a fault", () => {
  for (const end of ["\n", "\r\n", "\r"]) {
    const sheet = read(["a,b", "1,2", '"x' + end + 'y",3', ""].join(end));
    assert.deepEqual(sheet.rows, [["1", "2"], [`x${end}y`, "3"]]);
    assert.deepEqual(sheet.lines, [2, 3]);
  }
  const broken = read("a,b\n1,x\ry\n2,z\n");
  assert.deepEqual(broken.rows, [["2", "z"]]);
  assert.deepEqual(broken.faults.map((fault) => fault.line), [2]);
});

test("ragged rows and NUL bytes are told with their line", () => {
  const sheet = read('a,b\n1\n"x\ny",2\n1,2,3\n4,\0\n');
  assert.deepEqual(sheet.rows, [["x\ny", "2"], ["4", ""]]);
  assert.deepEqual(sheet.faults.map(({ line, found }) => [line, found]), [
    [2, "1 cell where the header has 2"],
    [5, "3 cells where the header has 2"],
    [6, "a NUL byte"],
  ]);
});

test("files that cannot be read say why", () => {
  assert.throws(() => read('a,b\n1,2\n3,"open\nfor ever'), /line 3: a quote/);
  assert.throws(() => read(""), /is empty/);
  assert.throws(() => read("\n\n"), /is empty/);
  assert.throws(() => read("a,b,a\n"), /two columns named “a”/);
  assert.deepEqual(read(" ,b\n").columns, ["column_1", "b"]);
});

test("the delimiter is the one that the first rows agree on", () => {
  assert.equal(likelyDelimiter("id;text\n1;a, b, c\n2;d, e\n", ","), ";");
  assert.equal(likelyDelimiter("id,text\n1,a; b\n", ","), ",");
  assert.equal(likelyDelimiter("id\ttext\n1\ta, b\n", ","), "\t");
  assert.equal(likelyDelimiter("text\nHello; you, there\n", ","), ",");
});

test("encodings: marks, UTF-8, Western Windows; what is none of them is refused with the line", () => {
  assert.equal(decoded(bytes([0xef, 0xbb, 0xbf], "a,b"), "f").text, "a,b");
  assert.deepEqual(decoded(bytes([0xff, 0xfe, 0x61, 0, 0xfc, 0]), "f"), { text: "aü", encoding: "utf-16le" });
  assert.deepEqual(decoded(bytes("n\nM", [0xfc], "nchen"), "f"), { text: "n\nMünchen", encoding: "windows-1252" });
  assert.throws(() => decoded(bytes("a\nb\nü", [0x81, 0xff]), "f.csv"), /f\.csv is neither.*line 3 has the byte 0x81/);
  assert.throws(() => decoded(bytes([0x50, 0x4b, 3, 4]), "t.xlsx"), /Excel workbook/);
  assert.throws(() => decoded(bytes([0x1f, 0x8b, 8]), "t.csv.gz"), BadFile);
});

test("what is written is read back; cells that look like formulas are made harmless for spreadsheets alone", () => {
  const rows = [["plain", 'a "b"', "c,d", "e\nf", "\r"], ["", "ü😀", "=1+1", "-5", "-x"], ["@a", "+1.5e3", "\tb", "+", "e;f"]];
  const exact = writeRows(rows, { delimiter: ",", spreadsheet: false });
  assert.deepEqual(read(`a,b,c,d,e\n${exact}`).rows, rows);
  assert.equal(exact.split("\n")[0], 'plain,"a ""b""","c,d","e');
  const safe = read(`a,b,c,d,e\r\n${writeRows(rows, { delimiter: ",", spreadsheet: true })}`).rows;
  assert.deepEqual(safe[1], ["", "ü😀", "'=1+1", "-5", "'-x"]);
  assert.deepEqual(safe[2], ["'@a", "+1.5e3", "'\tb", "'+", "e;f"]);
  assert.equal(writeRows([[""]], { delimiter: ",", spreadsheet: false }), '""\n');
});

test("JSON lines: faults by line, digits kept, names that results need are given up", () => {
  const found = readObjects('{"text": "a", "n": 12345678901234567890}\n\n[1]\n{"b": 1\n{"path": "x"}\n', "f.jsonl");
  assert.deepEqual(found.columns, ["text", "n", "path"]);
  assert.deepEqual(found.lines, [1, 5]);
  assert.deepEqual(found.faults.map((fault) => fault.line), [3, 4]);
  assert.equal(joined(found.written[0]!, found.rows[0]!, {}, { path: "A" }), '{"text": "a", "n": 12345678901234567890,"path":"A"}');
  assert.equal(joined(found.written[1]!, found.rows[1]!, { path: "input_path" }, { path: "A" }), '{"input_path":"x","path":"A"}');
  assert.equal(joined("{}", {}, {}, { path: null }), '{"path":null}');
  assert.throws(() => readObjects('[{"text": "a"}]', "f.json"), /one JSON array/);
  assert.throws(() => readObjects(" \n", "f.jsonl"), /is empty/);
});

test("texts are joined as in training", () => {
  const row: Record<string, unknown> = { title: " Chess ", about: "Play\u00a0", n: 3, none: null };
  const cell = (name: string) => row[name];
  assert.equal(textOf(cell, { text: ["title", "none", "about"], template: null }), "Chess. Play");
  assert.equal(textOf(cell, { text: [], template: "{title}: {{{about}}} {n}" }), "Chess: {Play} 3");
  assert.equal(textOf(cell, { text: [], template: "x {none}" }), "");
  assert.deepEqual(templateColumns("{a} {b} {a}"), ["a", "b"]);
  assert.equal(cellText(["a"]), '["a"]');
  assert.equal(cellText("\ufeffa\u2003"), "\ufeffa");
});

test("the first choice of a text column: the model's own, a telling name, the longest texts", () => {
  const known = { text: ["about"], template: null };
  assert.deepEqual(firstChoice(["id", "about", "text"], known, [1, 5, 9]), known);
  assert.deepEqual(firstChoice(["id", "Text", "x"], known, [1, 5, 9]), { text: ["Text"], template: null });
  assert.deepEqual(firstChoice(["id", "y", "x"], null, [1, 5, 9]), { text: ["x"], template: null });
  const template = { text: [], template: "{a}: {b}" };
  assert.deepEqual(firstChoice(["b", "a"], template, [1, 1]), { text: ["a", "b"], template: "{a}: {b}" });
});

test("the columns of answers are those of the command line", () => {
  const one = { several: false, top: 2, because: true, pathsSeparator: ";" };
  assert.deepEqual(addedColumns(one), ["path", "probability", "depth", "stopped", "because", "path_2", "probability_2"]);
  const answer = { path: "A > B", probability: 1, depth: 2, stopped: "leaf", because: "", path_2: "C", probability_2: 1e-5, paths: [] };
  assert.deepEqual(addedCells(answer, one), ["A > B", "1.0", "2", "leaf", "", "C", "1e-05"]);
  assert.deepEqual(addedCells({ path: null, probability: null, depth: null, stopped: "no text", paths: [] }, { ...one, because: false, top: 1 }), ["", "", "", "no text"]);
  const paths = [0.25, 0.000012].map((probability, i) => ({ path: `P${i}`, probability, levels: [] }));
  assert.deepEqual(addedCells({ paths }, { ...one, several: true }), ["P0; P1", "0.25; 1.2e-05"]);
  assert.deepEqual([0, 0.5, 0.0001, 0.00012, 1e-6].map(decimal), ["0.0", "0.5", "0.0001", "0.00012", "1e-06"]);
  assert.deepEqual({ ...newNames(["path", "input_path"], ["path", "probability"]) }, { path: "input_input_path", probability: "input_probability" });
});
