// The edited taxonomy by the numbers that stay: paths, who lies below whom, which edit a wish is.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { EditNode } from "../src/edit/remote";
import { noteOf, Tree } from "../src/edit/tree_model";

/** A node; its key is another number than its place. */
function node(id: number, key: number, name: string, parent: number | null, children: number, changed: string[] = []): EditNode {
  return { id, key, name, parent, depth: parent === null ? 1 : 2, terminal: true, children, description: "", changed };
}

const TREE = new Tree([
  node(0, 7, "Games", null, 2),
  node(1, 3, "Tools", null, 1),
  node(2, 5, "Sports", 0, 0, ["renamed", "moved"]),
  node(3, 9, "__proto__", 0, 0, ["added"]),
  node(4, 2, "Sports", 1, 0),
]);

test("paths go by keys, and back", () => {
  assert.deepEqual(TREE.path(5), ["Games", "Sports"]);
  assert.deepEqual(TREE.path(null), []);
  assert.equal(TREE.find(["Tools", "Sports"]), 2);
  assert.equal(TREE.find(["Games", "__proto__"]), 9);
  assert.equal(TREE.find(["Games", "constructor"]), null);
  assert.deepEqual(TREE.plain()[2], { id: 5, name: "Sports", parent: 7, children: 0 });
});

test("a node lies under itself and what is above it", () => {
  assert.ok(TREE.isUnder(5, 7));
  assert.ok(TREE.isUnder(7, 7));
  assert.ok(!TREE.isUnder(2, 7));
  assert.ok(!TREE.isUnder(null, 7));
  assert.deepEqual(TREE.ancestors(9), [7]);
});

test("one place up or down is a move among siblings, and there is none at the ends", () => {
  assert.deepEqual(TREE.nudge(9, -1), { edit: "move", path: ["Games", "__proto__"], to: ["Games"], position: 0 });
  assert.equal(TREE.nudge(9, 1), null);
  assert.deepEqual(TREE.nudge(7, 1), { edit: "move", path: ["Games"], to: [], position: 1 });
});

test("the eye goes to the next sibling, the one before, or the parent", () => {
  assert.equal(TREE.neighbour(5), 9);
  assert.equal(TREE.neighbour(9), 5);
  assert.equal(TREE.neighbour(2), 3);
});

test("search leaves out what cannot be chosen", () => {
  assert.deepEqual(TREE.search("SPORTS", 10, () => false), [5, 2]);
  assert.deepEqual(TREE.search("sp", 1, () => false), [5]);
  assert.deepEqual(TREE.search("", 10, (key) => TREE.isUnder(key, 7)), [3, 2]);
});

test("notes are words", () => {
  assert.equal(noteOf(TREE.byKey.get(5)!), "renamed, moved");
  assert.equal(noteOf(TREE.byKey.get(9)!), "new");
});
