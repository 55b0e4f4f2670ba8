// The edited taxonomy by the numbers that stay: who lies below whom, paths, and which edit a wish is.
import type { PlainNode } from "../explore/rows";
import type { Edit, EditNode, Path } from "./remote";

/** Nodes by `key`, with the key of their parent. */
export class Tree {
  readonly byKey = new Map<number, EditNode>();
  private readonly parents = new Map<number, number | null>();
  private readonly below = new Map<number | null, number[]>();

  constructor(readonly nodes: readonly EditNode[]) {
    for (const node of nodes) {
      const parent = node.parent === null ? null : nodes[node.parent]!.key;
      this.byKey.set(node.key, node);
      this.parents.set(node.key, parent);
      const siblings = this.below.get(parent);
      if (siblings) siblings.push(node.key);
      else this.below.set(parent, [node.key]);
    }
  }

  /** What the tree on the screen is made of. */
  plain(): PlainNode[] {
    return this.nodes.map((node) => ({
      id: node.key,
      name: node.name,
      parent: this.parentOf(node.key),
      children: node.children,
    }));
  }

  parentOf(key: number): number | null {
    return this.parents.get(key) ?? null;
  }

  childrenOf(key: number | null): number[] {
    return this.below.get(key) ?? [];
  }

  path(key: number | null): Path {
    const names: Path = [];
    for (let up = key; up !== null; up = this.parentOf(up)) names.unshift(this.byKey.get(up)!.name);
    return names;
  }

  find(path: Path): number | null {
    let at: number | null = null;
    for (const name of path) {
      const next: number | undefined = this.childrenOf(at).find((key) => this.byKey.get(key)!.name === name);
      if (next === undefined) return null;
      at = next;
    }
    return at;
  }

  /** Whether a node is another or lies below it. */
  isUnder(key: number | null, above: number): boolean {
    for (let up = key; up !== null; up = this.parentOf(up)) if (up === above) return true;
    return false;
  }

  ancestors(key: number): number[] {
    const found: number[] = [];
    for (let up = this.parentOf(key); up !== null; up = this.parentOf(up)) found.unshift(up);
    return found;
  }

  /** The row that the eye goes to when a node is gone: its next sibling, the one before, or its parent. */
  neighbour(key: number): number | null {
    const siblings = this.childrenOf(this.parentOf(key));
    const at = siblings.indexOf(key);
    return siblings[at + 1] ?? siblings[at - 1] ?? this.parentOf(key);
  }

  /** A move one place up or down among siblings; null at the end. */
  nudge(key: number, by: -1 | 1): Edit | null {
    const parent = this.parentOf(key);
    const siblings = this.childrenOf(parent);
    const position = siblings.indexOf(key) + by;
    if (position < 0 || position >= siblings.length) return null;
    return { edit: "move", path: this.path(key), to: this.path(parent), position };
  }

  /** Nodes whose name has these words, nearest first; at most `limit`. */
  search(words: string, limit: number, without: (key: number) => boolean): number[] {
    const wanted = words.trim().toLowerCase();
    const found: { key: number; rank: number }[] = [];
    for (const node of this.nodes) {
      if (without(node.key)) continue;
      const name = node.name.toLowerCase();
      const rank = name === wanted ? 0 : name.startsWith(wanted) ? 1 : name.includes(wanted) ? 2 : -1;
      if (rank >= 0) found.push({ key: node.key, rank });
    }
    return found
      .sort((a, b) => a.rank - b.rank)
      .slice(0, limit)
      .map((one) => one.key);
  }
}

/** What happened to a node, in a word or two for the end of its row. */
export function noteOf(node: EditNode): string {
  const words: Record<string, string> = {
    added: "new",
    split: "part",
    merged: "merged",
    renamed: "renamed",
    moved: "moved",
    described: "described",
    terminal: "end changed",
  };
  return node.changed.map((kind) => words[kind] ?? kind).join(", ");
}

export const told = (path: Path) => path.join(" › ");
