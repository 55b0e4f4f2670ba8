// A table that a person has dropped: its rows, whatever the file is written as.
import { decoded } from "./bytes";
import { likelyDelimiter, sheetReader } from "./csv";
import { BadFile, type Fault } from "./faults";
import { readObjects } from "./jsonlines";
import { cellText } from "./texts";

export type Format = "csv" | "tsv" | "jsonl";

export interface Table {
  name: string;
  format: Format;
  /** Between cells; empty for JSON lines. */
  delimiter: string;
  encoding: string;
  columns: string[];
  count: number;
  /** The line of the file on which each row begins. */
  lines: number[];
  faults: Fault[];
  cell(row: number, column: string): unknown;
  /** The cells of a row as text, in the order of the columns. */
  cells(row: number): string[];
  /** JSON lines: a row as it was written, and as an object. */
  written?: string[];
  objects?: Record<string, unknown>[];
}

/** The largest file that is read into the memory of a page. */
export const LARGEST = 200 * 1024 * 1024;

const FORMATS: Record<string, Format> = { csv: "csv", txt: "csv", tsv: "tsv", tab: "tsv", jsonl: "jsonl", ndjson: "jsonl", json: "jsonl" };

/** Read a file. `tell` gets the share that is read, now and then. */
export async function readTable(file: File, delimiter: string | null, tell: (share: number) => void): Promise<Table> {
  if (!file.size) throw new BadFile(`${file.name} is empty: it has no header and no rows. Was it written to the end?`);
  if (file.size > LARGEST) {
    const size = Math.round(file.size / 1024 / 1024).toLocaleString("en");
    throw new BadFile(`${file.name} has ${size} MB; the page reads up to 200 MB. Use textaxa predict for larger files.`);
  }
  const suffix = /\.([^.]+)$/.exec(file.name)?.[1]?.toLowerCase() ?? "csv";
  const { text, encoding } = decoded(new Uint8Array(await file.arrayBuffer()), file.name);
  const format = FORMATS[suffix] ?? (text.trimStart().startsWith("{") ? "jsonl" : "csv");
  if (format === "jsonl") return objectTable(text, file.name, encoding);
  const used = delimiter ?? likelyDelimiter(text, format === "tsv" ? "\t" : ",");
  const reader = sheetReader(text, used, file.name);
  let step = reader.next();
  for (; !step.done; step = reader.next()) {
    tell(step.value);
    await new Promise((go) => setTimeout(go, 0));
  }
  const { columns, rows, lines, faults } = step.value;
  const places = new Map(columns.map((name, i) => [name, i]));
  const cell = (row: number, column: string) => rows[row]![places.get(column) ?? -1];
  const cells = (row: number) => rows[row]!;
  return { name: file.name, format, delimiter: used, encoding, columns, count: rows.length, lines, faults, cell, cells };
}

function objectTable(text: string, name: string, encoding: string): Table {
  const { columns, rows, written, lines, faults } = readObjects(text, name);
  const cell = (row: number, column: string) => rows[row]![column];
  const cells = (row: number) => columns.map((column) => cellText(cell(row, column)));
  return { name, format: "jsonl", delimiter: "", encoding, columns, count: rows.length, lines, faults, cell, cells, written, objects: rows };
}

/** The mean length of each column's texts in the first rows. */
export function meanLengths(table: Table): number[] {
  const rows = Math.min(table.count, 50);
  return table.columns.map((column) => {
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += cellText(table.cell(i, column)).length;
    return sum / Math.max(1, rows);
  });
}
