// The part of the taxonomy that a text lights up: for the picture from the most probable paths, for the tree from its nodes.
import { type Line, wayOf } from "../explore/branches";
import type { TreeRow } from "../explore/rows";
import type { Answer, Path } from "./remote";
import { percent } from "./words";

/** A node of the picture. */
export interface Lit {
  name: string;
  /** Names from the top level down. */
  way: string[];
  probability: number;
  /** Whether it lies on the path of the answer. */
  answer: boolean;
  below: Lit[];
}

/** Less than this is not drawn. */
const FAINT = 0.004;

/** Join paths at their common beginnings. */
export function litOf(found: Answer): Lit[] {
  const roots: Lit[] = [];
  const answered = new Set<string>();
  const add = (path: Path, isAnswer: boolean) => {
    let siblings = roots;
    const way: string[] = [];
    for (const level of path.levels) {
      if (level.probability < FAINT && !isAnswer) return;
      way.push(level.name);
      const key = way.join("\n");
      if (isAnswer) answered.add(key);
      let node = siblings.find((one) => one.way.at(-1) === level.name);
      if (!node) {
        node = { name: level.label ?? level.name, way: [...way], probability: level.probability, answer: answered.has(key), below: [] };
        siblings.push(node);
      }
      siblings = node.below;
    }
  };
  for (const path of found.row.paths) add(path, true);
  for (const path of found.likely) add(path, false);
  return sorted(roots);
}

function sorted(nodes: Lit[]): Lit[] {
  for (const node of nodes) sorted(node.below);
  return nodes.sort((a, b) => b.probability - a.probability);
}

export type FetchLines = (under: number | null) => Promise<{ nodes: Line[]; total: number }>;

/** Of siblings without light so many are shown: a tree of a million nodes opens at once. */
const MOST_DARK = 200;
const REST = -1;

/** The tree: children are fetched when their parent is opened; the probable ones stand first. */
export class LitTree {
  private readonly below = new Map<number | null, Line[]>();
  private readonly counts = new Map<number | null, number>();
  private readonly busy = new Set<number | null>();
  private readonly opened = new Set<string>();
  private light = new Map<number, number>();
  private readonly fetch: FetchLines;
  private readonly changed: () => void;

  constructor(fetch: FetchLines, changed: () => void) {
    [this.fetch, this.changed] = [fetch, changed];
  }

  /** Show the answer: all that lies on its path is opened, what was opened before stays. */
  async show(found: Answer, current: () => boolean) {
    this.light = new Map(found.nodes);
    this.opened.clear();
    this.changed();
    for (const path of found.row.paths.length ? found.row.paths : found.likely.slice(0, 1)) {
      let [under, prefix] = [null as number | null, ""];
      for (const level of path.levels) {
        await this.load(under);
        if (!current()) return;
        const node = this.below.get(under)?.find((one) => one.name === level.name);
        if (!node) break;
        // A model that searches tells no nodes; those of its paths are known.
        this.light.set(node.id, Math.max(level.probability, this.light.get(node.id) ?? 0));
        [under, prefix] = [node.id, `${prefix}${node.id}`];
        if (node.children) this.opened.add(prefix);
        prefix += "/";
      }
      if (under !== null) await this.load(under);
      if (!current()) return;
    }
    for (const path of found.likely) this.lighten(path);
    this.changed();
  }

  /** Give light to the nodes of a path that have been fetched: a model that searches tells no others. */
  private lighten(path: Path) {
    let under: number | null = null;
    for (const level of path.levels) {
      const node: Line | undefined = this.below.get(under)?.find((one) => one.name === level.name);
      if (!node) return;
      this.light.set(node.id, Math.max(level.probability, this.light.get(node.id) ?? 0));
      under = node.id;
    }
  }

  async toggle(key: string, open: boolean) {
    if (open) this.opened.add(key);
    else this.opened.delete(key);
    this.changed();
    if (open) await this.load(wayOf(key).at(-1)!);
    this.changed();
  }

  private async load(under: number | null) {
    if (this.below.has(under) || this.busy.has(under)) return;
    this.busy.add(under);
    try {
      const told = await this.fetch(under);
      this.below.set(under, told.nodes);
      this.counts.set(under, told.total);
    } finally {
      this.busy.delete(under);
    }
  }

  rows(): TreeRow[] {
    const rows: TreeRow[] = [];
    this.add(null, "", 1, rows);
    return rows;
  }

  probability(id: number): number {
    return this.light.get(id) ?? 0;
  }

  private add(under: number | null, prefix: string, level: number, rows: TreeRow[]) {
    const all = this.below.get(under) ?? [];
    const lit = all.filter((line) => this.light.has(line.id));
    const dark = all.filter((line) => !this.light.has(line.id)).slice(0, MOST_DARK);
    lit.sort((a, b) => this.probability(b.id) - this.probability(a.id));
    const size = Math.max(this.counts.get(under) ?? 0, all.length);
    const shown = [...lit, ...dark];
    shown.forEach((line, i) => {
      const key = `${prefix}${line.id}`;
      const open = line.children ? this.opened.has(key) : null;
      const row: TreeRow = { key, id: line.id, name: line.label ?? line.name, level, open, position: i + 1, size };
      if (this.light.has(line.id)) row.note = percent(this.probability(line.id));
      if (open && this.busy.has(line.id)) row.busy = true;
      rows.push(row);
      if (open) this.add(line.id, `${key}/`, level + 1, rows);
    });
    const more = size - shown.length;
    if (more > 0) {
      const name = `… and ${more.toLocaleString("en")} more, in Explore`;
      rows.push({ key: `${prefix}${REST}`, id: REST, name, level, open: null, position: size, size });
    }
  }
}
