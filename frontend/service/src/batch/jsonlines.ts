// JSON lines: one object a line.
import { BadFile, type Fault } from "./faults";

export interface Objects {
  columns: string[];
  rows: Record<string, unknown>[];
  /** The text of each row's line, so that numbers keep their digits. */
  written: string[];
  lines: number[];
  faults: Fault[];
}

/** The columns are the keys of so many first rows; a key may be missing from the first. */
const PEEKED = 100;

const CURE = 'Every line must be one JSON object, such as {"text": "…"}.';

/** Read JSON lines; lines with a fault are left out and told. */
export function readObjects(text: string, name: string): Objects {
  const found: Objects = { columns: [], rows: [], written: [], lines: [], faults: [] };
  const columns = new Set<string>();
  let line = 0;
  for (const raw of text.split("\n")) {
    line++;
    const stripped = raw.trim();
    if (!stripped) continue;
    if (!found.rows.length && !found.faults.length && stripped.startsWith("[")) throw new BadFile(arrayNotLines(name));
    const row = parsed(stripped, line, found.faults);
    if (!row) continue;
    if (found.rows.length < PEEKED) for (const key of Object.keys(row)) columns.add(key);
    found.rows.push(row);
    found.written.push(stripped);
    found.lines.push(line);
  }
  if (!found.rows.length && !found.faults.length) {
    throw new BadFile(`${name} is empty: it has no rows. Was it written to the end?`);
  }
  return { ...found, columns: [...columns] };
}

function parsed(line: string, number: number, faults: Fault[]): Record<string, unknown> | null {
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch {
    faults.push({ line: number, found: `not JSON: ${line.slice(0, 40)}`, cure: CURE });
    return null;
  }
  if (typeof row !== "object" || row === null || Array.isArray(row)) {
    faults.push({ line: number, found: `no JSON object: ${line.slice(0, 40)}`, cure: CURE });
    return null;
  }
  return row as Record<string, unknown>;
}

function arrayNotLines(name: string): string {
  return (
    `${name} begins with “[”: it is one JSON array, not JSON lines (one object a line). ` +
    "Convert it with: jq -c '.[]' old.json > new.jsonl"
  );
}

/** A row's line with more keys at its end. */
export function joined(written: string, row: Record<string, unknown>, renamed: Record<string, string>, added: Record<string, unknown>): string {
  const tail = JSON.stringify(added).slice(1);
  const clash = Object.keys(row).some((key) => key in renamed);
  if (!clash) return Object.keys(row).length ? `${written.slice(0, -1).trimEnd()},${tail}` : `{${tail}`;
  const kept = Object.fromEntries(Object.entries(row).map(([key, value]) => [renamed[key] ?? key, value]));
  return JSON.stringify({ ...kept, ...added });
}
