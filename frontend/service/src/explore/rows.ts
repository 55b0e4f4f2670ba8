// The rows of a tree that are in sight: nodes and what is open in, rows from top to bottom out.

/** A row of a tree. */
export interface TreeRow {
  /** Unique among the rows; a node below two parents has two rows. */
  key: string;
  id: number;
  name: string;
  /** From 1. */
  level: number;
  /** Whether its children are in sight; null for a node without children. */
  open: boolean | null;
  /** Its place among its siblings, from 1, and how many they are. */
  position: number;
  size: number;
  /** Its children are on their way. */
  busy?: boolean;
  /** A few words at its end. */
  note?: string;
}

/** A node as `/v1/taxonomy` gives it. */
export interface PlainNode {
  id: number;
  name: string;
  parent: number | null;
  children: number;
}

/** The rows of nodes that are all at hand, each parent before its children. */
export function arrayRows(nodes: readonly PlainNode[], expanded: ReadonlySet<number>): TreeRow[] {
  const below = new Map<number | null, PlainNode[]>();
  for (const node of nodes) {
    const siblings = below.get(node.parent);
    if (siblings) siblings.push(node);
    else below.set(node.parent, [node]);
  }
  const rows: TreeRow[] = [];
  const waiting = stacked(below.get(null) ?? [], 1);
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { node, level, position, size } = next;
    const open = below.has(node.id) ? expanded.has(node.id) : null;
    rows.push({ key: String(node.id), id: node.id, name: node.name, level, open, position, size });
    if (open) waiting.push(...stacked(below.get(node.id) ?? [], level + 1));
  }
  return rows;
}

/** The ids of a node's ancestors, from the top level down. */
export function ancestorsOf(nodes: readonly PlainNode[], id: number): number[] {
  const parents = new Map(nodes.map((node) => [node.id, node.parent]));
  const found: number[] = [];
  for (let up = parents.get(id) ?? null; up !== null && !found.includes(up); up = parents.get(up) ?? null) {
    found.unshift(up);
  }
  return found;
}

interface Waiting {
  node: PlainNode;
  level: number;
  position: number;
  size: number;
}

/** Siblings, the first of them on top. */
function stacked(siblings: readonly PlainNode[], level: number): Waiting[] {
  const size = siblings.length;
  return siblings.map((node, i) => ({ node, level, position: i + 1, size })).reverse();
}

/** What the keys of a tree do, as in the ARIA pattern "tree view". */
export type Move = { to: number } | { toggle: number; open: boolean } | null;

/** Say what a key does at a row. */
export function moveOf(key: string, rows: readonly TreeRow[], at: number, page: number): Move {
  const row = rows[at];
  const last = rows.length - 1;
  const steps: Record<string, number> = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    Home: 0,
    End: last,
    PageDown: at + page,
    PageUp: at - page,
  };
  const target = steps[key];
  if (target !== undefined) return { to: Math.max(0, Math.min(last, target)) };
  if (!row) return null;
  if (key === "ArrowRight") {
    if (row.open === false) return { toggle: at, open: true };
    return row.open && (rows[at + 1]?.level ?? 0) > row.level ? { to: at + 1 } : null;
  }
  if (key === "ArrowLeft") {
    if (row.open) return { toggle: at, open: false };
    const parent = parentOf(rows, at);
    return parent < 0 ? null : { to: parent };
  }
  return null;
}

/** The place of a row's parent; -1 on the top level. */
export function parentOf(rows: readonly TreeRow[], at: number): number {
  const level = rows[at]?.level ?? 1;
  for (let i = at - 1; i >= 0; i--) if (rows[i]!.level < level) return i;
  return -1;
}

/** The place of the next row whose name begins with what was typed, from a place on and around; -1 where there is none. */
export function typedAhead(rows: readonly TreeRow[], from: number, typed: string): number {
  const wanted = typed.toLowerCase();
  for (let i = 0; i < rows.length; i++) {
    const at = (from + i) % rows.length;
    if (rows[at]!.name.toLowerCase().startsWith(wanted)) return at;
  }
  return -1;
}
