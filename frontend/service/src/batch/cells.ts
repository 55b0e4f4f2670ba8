// The columns that `textaxa predict` adds to a row, made of what the service answers.

/** The answer to a text, as the service gives it. */
export interface Answer {
  path?: string | null;
  probability?: number | null;
  depth?: number | null;
  stopped?: string | null;
  because?: string | null;
  set?: string[];
  paths: { path: string; probability: number; levels: { name: string; probability: number }[] }[];
  [further: string]: unknown;
}

/** How answers become columns. */
export interface Layout {
  several: boolean;
  /** Paths a row in single-path tasks. */
  top: number;
  because: boolean;
  pathsSeparator: string;
}

/** The columns that are added, in order. */
export function addedColumns(how: Layout): string[] {
  if (how.several) return ["paths", "probabilities"];
  const further: string[] = [];
  for (let rank = 2; rank <= how.top; rank++) further.push(`path_${rank}`, `probability_${rank}`);
  return ["path", "probability", "depth", "stopped", ...(how.because ? ["because"] : []), ...further];
}

/** The cells of the added columns; empty ones where there is no answer. */
export function addedCells(answer: Answer | null, how: Layout): string[] {
  if (!answer) return addedColumns(how).map(() => "");
  if (how.several) {
    const joiner = how.pathsSeparator.trim() ? `${how.pathsSeparator.trim()} ` : how.pathsSeparator;
    const joined = (cells: string[]) => cells.join(joiner);
    return [joined(answer.paths.map((one) => one.path)), joined(answer.paths.map((one) => decimal(one.probability)))];
  }
  return addedColumns(how).map((column) => {
    const value = answer[column];
    if (value === null || value === undefined) return "";
    return column.startsWith("probability") ? decimal(Number(value)) : String(value);
  });
}

/** A probability as Python writes it: `1.0`, `0.25`, `1e-05`. */
export function decimal(value: number): string {
  if (Number.isInteger(value)) return `${value}.0`;
  if (Math.abs(value) >= 1e-4) return String(value);
  const [digits, exponent = "0"] = value.toExponential().split("e");
  return `${digits}e-${exponent.slice(1).padStart(2, "0")}`;
}

/** The names that input columns get whose own are needed for results. */
export function newNames(columns: readonly string[], added: readonly string[]): Record<string, string> {
  const taken = new Set([...columns, ...added]);
  const names: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const name of added) {
    let fresh = `input_${name}`;
    while (taken.has(fresh)) fresh = `input_${fresh}`;
    taken.add(fresh);
    names[name] = fresh;
  }
  return names;
}
