// The text of a row: which columns it is made of, and how they are joined. The rules are those of `textaxa predict`.

/** What a model remembers of its training table. */
export interface TextColumns {
  text: string[];
  template: string | null;
}

const JOINER = ". ";

/** The columns that a template names. */
export function templateColumns(template: string): string[] {
  const names: string[] = [];
  for (const piece of pieces(template)) if (piece.column !== null && !names.includes(piece.column)) names.push(piece.column);
  return names;
}

/** Which columns of a table to begin with: the model's own, else one with a name that says text, else the longest texts. */
export function firstChoice(columns: readonly string[], known: TextColumns | null, lengths: readonly number[]): TextColumns {
  if (known) {
    const needed = known.template === null ? known.text : templateColumns(known.template);
    if (needed.length && needed.every((name) => columns.includes(name))) {
      return { text: needed, template: known.template };
    }
  }
  const named = columns.find((name) => /^(text|texts|description|content|body|message|comment)$/i.test(name.trim()));
  const longest = columns[lengths.indexOf(Math.max(...lengths))];
  const chosen = named ?? longest;
  return { text: chosen === undefined ? [] : [chosen], template: null };
}

/** The text of a row, without spaces around it; empty where there is none. */
export function textOf(cell: (column: string) => unknown, columns: TextColumns): string {
  const names = columns.template === null ? columns.text : templateColumns(columns.template);
  const cells = new Map(names.map((name) => [name, cellText(cell(name))]));
  if (![...cells.values()].some((text) => text)) return "";
  if (columns.template === null) return [...cells.values()].filter((text) => text).join(JOINER);
  return stripped(pieces(columns.template).map((piece) => piece.literal + (cells.get(piece.column ?? "") ?? "")).join(""));
}

/** A cell as text. */
export function cellText(value: unknown): string {
  if (typeof value === "string") return stripped(value);
  if (value === null || value === undefined) return "";
  if (typeof value === "boolean") return value ? "True" : "False"; // as Python writes it
  return typeof value === "number" ? String(value) : JSON.stringify(value);
}

/** What Python calls a space; JavaScript's `trim` takes another set. */
const SPACE = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+";
const AROUND = new RegExp(`^${SPACE}|${SPACE}$`, "g");

function stripped(text: string): string {
  return text.replace(AROUND, "");
}

interface Piece {
  literal: string;
  column: string | null;
}

/** A template in pieces: what is written before a column, and the column. */
function pieces(template: string): Piece[] {
  const found: Piece[] = [];
  let literal = "";
  for (const part of template.match(/\{\{|\}\}|\{[^{}]*\}|[^{}]+|[{}]/g) ?? []) {
    if (part === "{{" || part === "}}") literal += part[0];
    else if (part.startsWith("{") && part.length > 2) {
      found.push({ literal, column: part.slice(1, -1) });
      literal = "";
    } else literal += part;
  }
  if (literal) found.push({ literal, column: null });
  return found;
}
