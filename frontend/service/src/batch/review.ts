// What a person looks at: which rows, in which order, and what they come to.
import type { Answer } from "./cells";

/** What a person said of a row: the path that is right. */
export interface Verdict {
  path: string[];
  right: boolean;
}

export interface Wanted {
  order: "unsure" | "file";
  /** Rows below this category, as the names of its path; null: all. */
  within: readonly string[] | null;
  /** Rows that stopped for this reason; null: all. */
  stopped: string | null;
  /** A part of a text or of a category. */
  search: string;
  /** Leave out what a person has looked at. */
  open: boolean;
}

/** How sure the answer to a row is, in [0, 1]; null where there is none. */
export function sureness(answer: Answer | null): number | null {
  if (!answer) return null;
  if (answer.probability !== undefined) return answer.probability;
  return answer.paths.length ? Math.min(...answer.paths.map((one) => one.probability)) : 0;
}

/** Why an answer ends where it does; several-path answers say nothing. */
export function reason(answer: Answer | null): string {
  return answer?.stopped ?? "";
}

/** The categories of an answer, each as the names of its path. */
export function categories(answer: Answer | null): string[][] {
  if (!answer) return [];
  const found = answer.path === undefined ? answer.paths : answer.paths.slice(0, answer.path ? 1 : 0);
  return found.map((one) => one.levels.map((level) => level.name));
}

/** The rows to show, in their order. */
export function shownRows(answers: readonly (Answer | null)[], texts: readonly string[], verdicts: ReadonlyMap<number, Verdict>, wanted: Wanted): number[] {
  const search = wanted.search.trim().toLowerCase();
  const rows: number[] = [];
  for (let i = 0; i < answers.length; i++) {
    const answer = answers[i] ?? null;
    if (!answer) continue;
    if (wanted.open && verdicts.has(i)) continue;
    if (wanted.stopped !== null && reason(answer) !== wanted.stopped) continue;
    if (wanted.within && !categories(answer).some((path) => isWithin(path, wanted.within!))) continue;
    if (search && !(texts[i]!.toLowerCase().includes(search) || pathText(answer).toLowerCase().includes(search))) continue;
    rows.push(i);
  }
  return wanted.order === "file" ? rows : leastSureFirst(rows, answers);
}

/** Rows from the least sure to the surest; those without a text, of which nobody can be surer, at the end. */
export function leastSureFirst(rows: number[], answers: readonly (Answer | null)[]): number[] {
  const keys = new Map(rows.map((i) => [i, sureness(answers[i] ?? null) ?? 2]));
  return rows.sort((a, b) => keys.get(a)! - keys.get(b)! || a - b);
}

function isWithin(path: readonly string[], within: readonly string[]): boolean {
  return within.every((name, level) => path[level] === name);
}

function pathText(answer: Answer): string {
  return answer.path ?? answer.paths.map((one) => one.path).join("\n");
}

export interface Count {
  path: string[];
  rows: number;
}

export interface Summary {
  answered: number;
  /** Rows by the depth of their answer, from 0 (none). */
  depths: number[];
  /** Rows by reason, the most frequent first. */
  reasons: [string, number][];
  /** Rows by category of a level, the most frequent first. */
  categories: Count[];
  /** Mean probability of the answers: about the share that is right, where the model is calibrated. */
  mean: number | null;
}

/** Count answers: by depth, by reason, and by the categories right below one (all: below the top). */
export function summaryOf(answers: readonly (Answer | null)[], below: readonly string[]): Summary {
  const depths: number[] = [];
  const reasons = new Map<string, number>();
  const counts = new Map<string, Count>();
  let [answered, sum, sure] = [0, 0, 0];
  for (const answer of answers) {
    if (!answer) continue;
    answered++;
    const paths = categories(answer);
    const depth = Math.max(0, ...paths.map((path) => path.length));
    depths[depth] = (depths[depth] ?? 0) + 1;
    if (reason(answer)) reasons.set(reason(answer), (reasons.get(reason(answer)) ?? 0) + 1);
    const probability = depth ? sureness(answer) : null;
    if (probability !== null) [sum, sure] = [sum + probability, sure + 1];
    countPaths(paths, below, counts);
  }
  return {
    answered,
    depths: Array.from(depths, (count) => count ?? 0),
    reasons: [...reasons].sort((a, b) => b[1] - a[1]),
    categories: [...counts.values()].sort((a, b) => b.rows - a.rows),
    mean: sure ? sum / sure : null,
  };
}

function countPaths(paths: string[][], below: readonly string[], counts: Map<string, Count>) {
  const seen = new Set<string>();
  for (const path of paths) {
    const name = path[below.length];
    if (name === undefined || seen.has(name) || !isWithin(path, below)) continue;
    seen.add(name);
    const found = counts.get(name);
    if (found) found.rows++;
    else counts.set(name, { path: path.slice(0, below.length + 1), rows: 1 });
  }
}
