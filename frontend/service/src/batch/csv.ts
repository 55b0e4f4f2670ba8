// CSV and TSV as Python's `csv` module reads and writes them, so that the page and `textaxa predict` agree cell by cell.
// Rows carry the line of the file on which they begin, which the libraries looked at cannot tell once a cell has line ends.
import { BadFile, type Fault } from "./faults";

export interface Sheet {
  columns: string[];
  rows: string[][];
  /** The line of the file on which each row begins, from 1. */
  lines: number[];
  faults: Fault[];
}

export const DELIMITERS: readonly [string, string][] = [
  [",", "comma"],
  [";", "semicolon"],
  ["\t", "tab"],
  ["|", "bar"],
];

const QUOTE = 34;
const CR = 13;

const QUOTE_CURE = "Put texts with quotes, delimiters or line ends between quotes, and double the quotes inside them.";
const TOO_MANY = "A delimiter inside a text without quotes is the usual cause: put such texts in quotes.";
const TOO_FEW = "A line end inside a text without quotes, or a row cut off, is the usual cause.";
const NUL_CURE = "It comes from a damaged copy, or from UTF-16 without its mark. Save the file as CSV (UTF-8).";

/** Read a whole sheet; rows with a fault are left out and told. */
export function readSheet(text: string, delimiter: string, name: string): Sheet {
  const reader = sheetReader(text, delimiter, name);
  for (let step = reader.next(); ; step = reader.next()) if (step.done) return step.value;
}

/** The same, pausing every few thousand rows so that the page stays alive; gives the share that is read. */
export function* sheetReader(text: string, delimiter: string, name: string): Generator<number, Sheet> {
  const sheet: Sheet = { columns: [], rows: [], lines: [], faults: nulFaults(text) };
  const clean = sheet.faults.length ? text.replaceAll("\0", "") : text;
  const reader = new Reader(clean, delimiter, name, sheet.faults);
  let header: string[] | null = null;
  for (let cells = reader.next(); cells; cells = reader.next()) {
    if (!header) {
      header = cells;
      sheet.columns = columnsOf(cells, name);
    } else if (cells.length === header.length) {
      sheet.rows.push(cells);
      sheet.lines.push(reader.began);
    } else {
      const [is, has] = [cells.length, header.length];
      const found = `${is} ${is === 1 ? "cell" : "cells"} where the header has ${has}`;
      sheet.faults.push({ line: reader.began, found, cure: is > has ? TOO_MANY : TOO_FEW });
    }
    if (sheet.rows.length % 4096 === 4095) yield reader.share;
  }
  if (!header) throw new BadFile(`${name} is empty: it has no header and no rows. Was it written to the end?`);
  sheet.faults.sort((a, b) => a.line - b.line);
  return sheet;
}

/** The delimiter that a sheet most probably has: the one that its first rows agree on. */
export function likelyDelimiter(text: string, first: string): string {
  const start = text.slice(0, 65_536);
  let [best, most] = [first, 0];
  for (const delimiter of [first, ...DELIMITERS.map(([one]) => one)]) {
    const width = commonWidth(start, delimiter);
    if (width > most) [best, most] = [delimiter, width];
  }
  return best;
}

/** How many cells the header has beyond one, weighed by the share of the first rows that have as many. */
function commonWidth(start: string, delimiter: string): number {
  const reader = new Reader(start, delimiter, "", []);
  const widths: number[] = [];
  try {
    for (let cells = reader.next(); cells && widths.length < 20; cells = reader.next()) widths.push(cells.length);
  } catch {
    // A quote that is open where the beginning was cut off.
  }
  const [header = 1, ...others] = widths;
  return (header - 1) * ((1 + others.filter((width) => width === header).length) / (1 + others.length));
}

function columnsOf(header: string[], name: string): string[] {
  const columns = header.map((cell, i) => (cell.trim() ? cell : `column_${i + 1}`));
  const twice = columns.find((column, i) => columns.indexOf(column) !== i);
  if (twice !== undefined) {
    throw new BadFile(`${name} has two columns named “${twice}”. Give every column its own name.`);
  }
  return columns;
}

function nulFaults(text: string): Fault[] {
  const faults: Fault[] = [];
  let [line, from] = [1, 0];
  for (let at = text.indexOf("\0"); at >= 0; at = text.indexOf("\0", at)) {
    line += count(text.slice(from, at), "\n");
    faults.push({ line, found: "a NUL byte", cure: NUL_CURE });
    from = at;
    const end = text.indexOf("\n", at);
    if (end < 0) break;
    at = end; // one fault a line
  }
  return faults;
}

function count(text: string, what: string): number {
  let found = 0;
  for (let at = text.indexOf(what); at >= 0; at = text.indexOf(what, at + 1)) found++;
  return found;
}

class Reader {
  /** The line on which the last record began. */
  began = 1;
  private at = 0;
  private line = 1;
  private readonly end: string;
  private readonly text: string;
  private readonly delimiter: string;
  private readonly name: string;
  private readonly faults: Fault[];

  constructor(text: string, delimiter: string, name: string, faults: Fault[]) {
    [this.text, this.delimiter, this.name, this.faults] = [text, delimiter, name, faults];
    this.end = text.includes("\n") || !text.includes("\r") ? "\n" : "\r";
  }

  get share(): number {
    return this.at / Math.max(1, this.text.length);
  }

  /** The next record that is not a blank line; null at the end. */
  next(): string[] | null {
    const { text } = this;
    while (this.at < text.length) {
      this.began = this.line;
      if (text.startsWith(this.end, this.at)) this.endLine(this.at);
      else if (text.startsWith("\r\n", this.at)) this.endLine(this.at + 1);
      else {
        const cells = this.record();
        if (cells) return cells;
      }
    }
    return null;
  }

  private endLine(at: number) {
    this.at = at + 1;
    this.line++;
  }

  /** A record, or null where it is broken (which is told). */
  private record(): string[] | null {
    const cells: string[] = [];
    for (;;) {
      const [cell, stop] = this.text.charCodeAt(this.at) === QUOTE ? this.quoted() : this.plain("");
      cells.push(cell);
      if (stop === "cell") continue;
      if (stop !== "broken") return cells;
      this.faults.push({ line: this.began, found: "a carriage return inside a text without quotes", cure: QUOTE_CURE });
      return null;
    }
  }

  /** The rest of a cell up to a delimiter or the end of the line; quotes in it are plain characters. */
  private plain(start: string): [string, "cell" | "row" | "broken"] {
    const { text, delimiter, end } = this;
    const from = this.at;
    let at = from;
    const [stop, line] = [delimiter.charCodeAt(0), end.charCodeAt(0)];
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === stop) {
        this.at = at + 1;
        const cell = start + text.slice(from, at);
        // A delimiter at the very end opens one more cell, which is empty.
        return [cell, "cell"];
      }
      if (code === line || code === CR) break;
    }
    const cell = start + text.slice(from, at);
    if (at >= text.length) {
      this.at = at;
      return [cell, "row"];
    }
    if (text.charCodeAt(at) === line) {
      this.endLine(at);
      return [cell, "row"];
    }
    if (text[at + 1] === "\n" || at + 1 === text.length) {
      this.endLine(Math.min(at + 1, text.length - 1));
      return [cell, "row"];
    }
    const next = text.indexOf(end, at);
    this.endLine(next < 0 ? text.length - 1 : next);
    return [cell, "broken"];
  }

  private quoted(): [string, "cell" | "row" | "broken"] {
    const { text } = this;
    let cell = "";
    let from = this.at + 1;
    for (;;) {
      const close = text.indexOf('"', from);
      if (close < 0) throw new BadFile(neverClosed(this.name, this.began));
      const piece = text.slice(from, close);
      this.line += count(piece, this.end);
      cell += piece;
      if (text.charCodeAt(close + 1) !== QUOTE) {
        this.at = close + 1;
        return this.plain(cell);
      }
      cell += '"';
      from = close + 2;
    }
  }
}

function neverClosed(name: string, line: number): string {
  return (
    `${name}, line ${line}: a quote (") is opened in this row and never closed, so everything after it became one ` +
    'cell. Close it, or double the quotes that belong to the text ("").'
  );
}

/** How rows are written. */
export interface Writing {
  delimiter: string;
  /** Line ends and a mark as spreadsheet programs want them; a cell that they would take for a formula gets a `'` in front. */
  spreadsheet: boolean;
}

/** What a spreadsheet program takes for a formula. */
const FORMULA = /^[=+\-@\t\r]/;
const NUMBER = /^[+-]?\d+([.,]\d+)?(e[+-]?\d+)?$/i;

/** Write rows of cells, each with its line end. */
export function writeRows(rows: Iterable<readonly string[]>, how: Writing): string {
  const end = how.spreadsheet ? "\r\n" : "\n";
  const lines: string[] = [];
  for (const row of rows) {
    const cells = row.map((cell) => quotedCell(how.spreadsheet ? unformula(cell) : cell, how.delimiter));
    // A row of one empty cell would be a blank line, which is no row.
    lines.push((cells.length === 1 && cells[0] === "" ? '""' : cells.join(how.delimiter)) + end);
  }
  return lines.join("");
}

function unformula(cell: string): string {
  return FORMULA.test(cell) && !NUMBER.test(cell) ? `'${cell}` : cell;
}

function quotedCell(cell: string, delimiter: string): string {
  return cell.includes(delimiter) || /["\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
