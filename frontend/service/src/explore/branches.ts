// The part of the taxonomy that has been walked: children are fetched when their parent is opened, however many nodes there are.
import type { TreeRow } from "./rows";

/** A line of `/v1/taxonomy`. */
export interface Line {
  id: number;
  name: string;
  label?: string | null;
  depth: number;
  terminal: boolean;
  children: number;
  texts?: number | null;
}

/** The children of a node; `total` is how many there are, which may be more than are told. */
export interface Below {
  nodes: Line[];
  total: number;
}

export type Fetch = (under: number | null) => Promise<Below>;

/** The key of a node below another: in a DAG a node has as many as ways lead to it. */
export const keyOf = (way: readonly number[]) => way.join("/");
export const wayOf = (key: string) => key.split("/").map(Number);

/** Stands for the children that were not told. */
const REST = -1;

export class Branches {
  private readonly below = new Map<number | null, Below>();
  private readonly asked = new Map<number | null, Promise<Below>>();
  private readonly opened = new Set<string>();
  private readonly fetch: Fetch;
  private readonly changed: () => void;

  constructor(fetch: Fetch, changed: () => void) {
    [this.fetch, this.changed] = [fetch, changed];
  }

  /** Fetch children, once. */
  async load(under: number | null): Promise<Below> {
    const known = this.below.get(under);
    if (known) return known;
    let asked = this.asked.get(under);
    if (!asked) {
      asked = this.fetch(under).finally(() => this.asked.delete(under));
      this.asked.set(under, asked);
      this.changed();
    }
    const found = await asked;
    this.below.set(under, found);
    this.changed();
    return found;
  }

  async open(key: string) {
    this.opened.add(key);
    this.changed();
    await this.load(wayOf(key).at(-1)!);
  }

  close(key: string) {
    this.opened.delete(key);
    this.changed();
  }

  /** Open all that lies above a node, so that it is in sight; a node beyond those that were told is put to them. */
  async reach(way: readonly number[], line: Line) {
    await this.load(null);
    for (let level = 1; level < way.length; level++) await this.open(keyOf(way.slice(0, level)));
    const siblings = this.below.get(way.length > 1 ? way[way.length - 2]! : null);
    if (siblings && !siblings.nodes.some((one) => one.id === line.id)) siblings.nodes.push(line);
    this.changed();
  }

  childrenOf(id: number): Below | null {
    return this.below.get(id) ?? null;
  }

  /** The rows in sight, from top to bottom. */
  rows(): TreeRow[] {
    const rows: TreeRow[] = [];
    this.add(null, "", 1, rows);
    return rows;
  }

  private add(under: number | null, prefix: string, level: number, rows: TreeRow[]) {
    const { nodes, total } = this.below.get(under) ?? { nodes: [], total: 0 };
    const size = Math.max(total, nodes.length);
    nodes.forEach((line, i) => {
      const key = `${prefix}${line.id}`;
      const open = line.children ? this.opened.has(key) : null;
      const row: TreeRow = { key, id: line.id, name: line.label ?? line.name, level, open, position: i + 1, size };
      if (open && this.asked.has(line.id)) row.busy = true;
      if (line.children) row.note = line.children.toLocaleString("en");
      rows.push(row);
      if (open) this.add(line.id, `${key}/`, level + 1, rows);
    });
    const more = total - nodes.length;
    if (more > 0) {
      const name = `… and ${more.toLocaleString("en")} more: search for them`;
      rows.push({ key: `${prefix}${REST}`, id: REST, name, level, open: null, position: size, size });
    }
  }
}

/** Whether a row stands for children that were not told. */
export const isRest = (row: TreeRow) => row.id === REST;

/** Ids from the top level down to a node, by the first parent of each. */
export async function wayTo(id: number, parentsOf: (id: number) => Promise<readonly number[]>): Promise<number[]> {
  const way = [id];
  for (let [up] = await parentsOf(id); up !== undefined && !way.includes(up); [up] = await parentsOf(up)) way.unshift(up);
  return way;
}
