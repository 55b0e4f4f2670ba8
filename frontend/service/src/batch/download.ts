// The table with its answers, as a file: the columns that `textaxa predict` writes, and what a person said beside them.
import { addedCells, addedColumns, type Answer, type Layout, newNames } from "./cells";
import { writeRows } from "./csv";
import { joined } from "./jsonlines";
import type { Verdict } from "./review";
import type { Table } from "./table";

/** `exact` is byte for byte what the command line writes; `spreadsheet` is made for Excel and its like. */
export type Kind = "exact" | "spreadsheet" | "jsonl";

export interface Answered {
  table: Table;
  answers: readonly (Answer | null)[];
  verdicts: ReadonlyMap<number, Verdict>;
  layout: Layout;
  separator: string;
}

const REVIEW = ["review", "reviewed_path"];
const SLICE = 2000;

/** Give the file in parts. */
export function fileParts(done: Answered, rows: readonly number[], kind: Kind): string[] {
  return kind === "jsonl" ? rows.map((row) => `${jsonLine(done, row)}\n`) : sheetParts(done, rows, kind === "spreadsheet");
}

/** The name of the file. */
export function fileName(table: Table, kind: Kind): string {
  const stem = table.name.replace(/\.[^.]+$/, "") || "table";
  const format = kind === "jsonl" ? "jsonl" : table.format === "tsv" && kind === "exact" ? "tsv" : "csv";
  return `${stem}.answers.${format}`;
}

function sheetParts(done: Answered, rows: readonly number[], spreadsheet: boolean): string[] {
  const { table, layout, verdicts } = done;
  const added = addedColumns(layout);
  const own = columnsAfter(done);
  const delimiter = spreadsheet ? (table.delimiter === ";" ? ";" : ",") : table.format === "tsv" ? "\t" : ",";
  const how = { delimiter, spreadsheet };
  const header = [...own, ...added, ...(verdicts.size ? REVIEW : [])];
  const parts = [(spreadsheet ? "\ufeff" : "") + writeRows([header], how)];
  for (let from = 0; from < rows.length; from += SLICE) {
    parts.push(writeRows(rows.slice(from, from + SLICE).map((row) => sheetRow(done, row)), how));
  }
  return parts;
}

function sheetRow({ table, answers, verdicts, layout, separator }: Answered, row: number): string[] {
  const said = verdicts.get(row);
  const review = verdicts.size ? [said ? (said.right ? "right" : "corrected") : "", said?.path.join(separator) ?? ""] : [];
  return [...table.cells(row), ...addedCells(answers[row] ?? null, layout), ...review];
}

/** The input's columns; those whose name results need have another one. */
function columnsAfter({ table, layout, verdicts }: Answered): string[] {
  const names = newNames(table.columns, [...addedColumns(layout), ...(verdicts.size ? REVIEW : [])]);
  return table.columns.map((column) => names[column] ?? column);
}

function jsonLine({ table, answers, verdicts, layout, separator }: Answered, row: number): string {
  const answer = answers[row] ?? null;
  const nested = layout.several ? ["paths"] : [...addedColumns(layout), "paths"];
  const added: Record<string, unknown> = Object.fromEntries(nested.map((name) => [name, answer?.[name] ?? null]));
  const said = verdicts.get(row);
  if (verdicts.size) {
    added["review"] = said ? (said.right ? "right" : "corrected") : null;
    added["reviewed_path"] = said?.path.join(separator) ?? null;
  }
  const renamed = newNames(table.columns, Object.keys(added));
  return joined(table.written![row]!, table.objects![row]!, renamed, added);
}
