// Where one is in the taxonomy. It stays while one looks at other parts of the page.
import { signal } from "@preact/signals";
import { Branches, keyOf, type Line, wayTo } from "./branches";
import * as remote from "./remote";
import type { TreeRow } from "./rows";

/** The rows of the tree, the one that is chosen, and the way to it from the top level. */
export const rows = signal<TreeRow[]>([]);
export const selected = signal<string | null>(null);
export const way = signal<number[]>([]);
/** The node whose page is shown; null while none is. */
export const shown = signal<remote.NodeTold | null>(null);
export const trouble = signal("");
export const words = signal("");

let model: string | null = null;
let version = "";
let branches = fresh("");
const nodes = new Map<number, Promise<remote.NodeTold>>();
let wanted = 0;
let going: number | null = null;

/** Whether a node is the one that is shown, or on its way. */
export const isGoing = (id: number) => going === id;

/** Choose a row before its page is there; a page that was on its way is not shown any more. */
export function choose(row: TreeRow) {
  wanted++;
  selected.value = row.key;
}

/** Show no node. */
export function forget() {
  wanted++;
  going = null;
  [shown.value, selected.value, way.value, trouble.value] = [null, null, [], ""];
}

function fresh(name: string): Branches {
  let waiting = false;
  const made: Branches = new Branches(
    (under) => remote.children(name, under),
    () => {
      // Many changes at once, as when a deep node is reached, are one new list of rows.
      if (waiting) return;
      waiting = true;
      queueMicrotask(() => {
        waiting = false;
        if (made === branches) rows.value = made.rows();
      });
    },
  );
  return made;
}

/** Begin with a version of a model, unless that is the one already; tells whether it took the place of another. */
export function look(name: string, of: string): boolean {
  if (name === model && of === version) return false;
  const another = model !== null;
  [model, version] = [name, of];
  forget();
  nodes.clear();
  branches = fresh(name);
  [rows.value, words.value] = [[], ""];
  const mine = branches;
  branches.load(null).catch((error: unknown) => {
    if (mine === branches) trouble.value = messageOf(error);
  });
  return another;
}

export function toggle(row: TreeRow, open: boolean) {
  if (!open) return branches.close(row.key);
  branches.open(row.key).catch((error: unknown) => {
    branches.close(row.key);
    trouble.value = messageOf(error);
  });
}

export const childrenOf = (id: number) => branches.childrenOf(id);

/** Ask for a node, once. */
export function told(id: number): Promise<remote.NodeTold> {
  const known = nodes.get(id);
  if (known) return known;
  const asked = remote.node(model!, id);
  nodes.set(id, asked);
  asked.catch(() => nodes.delete(id));
  return asked;
}

/** Show a node's page; the tree follows. `known` is the way to it, where the tree told it. */
export async function show(id: number, known?: number[]) {
  const mine = ++wanted;
  going = id;
  const current = () => mine === wanted;
  trouble.value = "";
  try {
    const node = await told(id);
    if (!current()) return;
    shown.value = node;
    const there = known ?? (endsIn(way.value, id) ? way.value : await wayTo(id, async (up) => (await told(up)).parents));
    if (!current()) return;
    way.value = there;
    await branches.reach(there, lineOf(node));
    if (current()) selected.value = keyOf(there);
    if (node.children.length) await branches.load(id);
    if (current()) refreshLater(node);
  } catch (error) {
    if (current()) [shown.value, trouble.value] = [null, messageOf(error)];
  }
}

/** Ask again while facts are being computed. */
function refreshLater(node: remote.NodeTold) {
  if (node.facts_state !== "computing" && node.facts_state !== "waiting") return;
  const mine = wanted;
  window.setTimeout(() => {
    if (mine !== wanted || document.hidden) return;
    nodes.clear();
    void show(node.id, way.value);
  }, 2500);
}

const endsIn = (ids: readonly number[], id: number) => ids.at(-1) === id;

function lineOf(node: remote.NodeTold): Line {
  const { id, name, depth, terminal, texts } = node;
  return { id, name, label: node.label ?? null, depth, terminal, children: node.children.length, texts };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
