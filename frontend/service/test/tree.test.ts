// Trees and long lists: which rows are in sight, and where keys lead.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Branches, wayTo } from "../src/explore/branches";
import { ancestorsOf, arrayRows, moveOf, typedAhead } from "../src/explore/rows";
import { above, drawn, revealing, TALLEST, tallness, topOf } from "../src/list/window";

const NODES = [
  { id: 0, name: "Games", parent: null, children: 2 },
  { id: 1, name: "Cards", parent: 0, children: 0 },
  { id: 2, name: "Sports", parent: 0, children: 1 },
  { id: 3, name: "Ball", parent: 2, children: 0 },
  { id: 4, name: "Media", parent: null, children: 0 },
];

test("rows are the nodes whose ancestors are open", () => {
  const names = (open: number[]) => arrayRows(NODES, new Set(open)).map((row) => row.name);
  assert.deepEqual(names([]), ["Games", "Media"]);
  assert.deepEqual(names([2]), ["Games", "Media"]);
  assert.deepEqual(names([0, 2]), ["Games", "Cards", "Sports", "Ball", "Media"]);
  const [, cards, sports] = arrayRows(NODES, new Set([0]));
  assert.deepEqual([cards!.level, cards!.open, cards!.position, cards!.size], [2, null, 1, 2]);
  assert.deepEqual([sports!.open, sports!.position], [false, 2]);
  assert.deepEqual(ancestorsOf(NODES, 3), [0, 2]);
});

test("keys lead where the ARIA pattern says", () => {
  const rows = arrayRows(NODES, new Set([0]));
  assert.deepEqual(moveOf("ArrowDown", rows, 0, 3), { to: 1 });
  assert.deepEqual(moveOf("ArrowUp", rows, 0, 3), { to: 0 });
  assert.deepEqual(moveOf("End", rows, 0, 3), { to: 3 });
  assert.deepEqual(moveOf("PageDown", rows, 0, 2), { to: 2 });
  assert.deepEqual(moveOf("ArrowRight", rows, 0, 3), { to: 1 });
  assert.deepEqual(moveOf("ArrowRight", rows, 2, 3), { toggle: 2, open: true });
  assert.equal(moveOf("ArrowRight", rows, 1, 3), null);
  assert.deepEqual(moveOf("ArrowLeft", rows, 2, 3), { to: 0 });
  assert.deepEqual(moveOf("ArrowLeft", rows, 0, 3), { toggle: 0, open: false });
  assert.equal(moveOf("ArrowLeft", rows, 3, 3), null);
  assert.equal(moveOf("x", rows, 0, 3), null);
  assert.equal(typedAhead(rows, 1, "sp"), 2);
  assert.equal(typedAhead(rows, 3, "g"), 0);
  assert.equal(typedAhead(rows, 0, "zz"), -1);
});

test("a million rows: the first and the last can be reached, and few are drawn", () => {
  const view = { count: 1_000_000, rowHeight: 32, height: 600, scrolled: 0 };
  assert.equal(tallness(view), TALLEST);
  assert.deepEqual(drawn(view), [0, 27]);
  const end = { ...view, scrolled: TALLEST - 600 };
  assert.equal(drawn(end)[1], 1_000_000);
  assert.ok(Math.abs(topOf(end, 999_999) + 32 - TALLEST) < 0.01);
  for (const row of [0, 1, 77, 499_999, 999_998, 999_999]) {
    const there = { ...view, scrolled: revealing(view, row) };
    const top = topOf(there, row) - there.scrolled;
    assert.ok(top >= -0.5 && top + 32 <= 600.5, `row ${row} at ${top}`);
  }
});

test("a short list scrolls as it is", () => {
  const view = { count: 10, rowHeight: 32, height: 100, scrolled: 64 };
  assert.equal(tallness(view), 320);
  assert.equal(above(view), 64);
  assert.equal(topOf(view, 3), 96);
  assert.equal(revealing(view, 3), 64);
  assert.equal(revealing(view, 0), 0);
  assert.equal(revealing(view, 9), 220);
  assert.deepEqual(drawn({ ...view, count: 0 }), [0, 0]);
});

test("branches are fetched when they are opened; in a DAG a node has a row below each parent", async () => {
  const below: Record<string, number[]> = { null: [0, 1], 0: [2], 1: [2], 2: [3] };
  const asked: (number | null)[] = [];
  const line = (id: number) => ({ id, name: `N${id}`, depth: 1, terminal: true, children: (below[id] ?? []).length });
  const fetch = async (under: number | null) => {
    asked.push(under);
    const nodes = (below[String(under)] ?? []).map(line);
    return { nodes, total: under === 1 ? 41 : nodes.length };
  };
  const branches = new Branches(fetch, () => undefined);
  const keys = () => branches.rows().map((row) => row.key);
  await branches.load(null);
  assert.deepEqual(keys(), ["0", "1"]);
  await branches.open("1");
  assert.deepEqual(keys(), ["0", "1", "1/2", "1/-1"]);
  assert.equal(branches.rows()[3]!.name, "… and 40 more: search for them");
  assert.equal(branches.rows()[2]!.size, 41);
  await Promise.all([branches.open("0"), branches.open("0/2"), branches.open("1/2")]);
  assert.deepEqual(keys(), ["0", "0/2", "0/2/3", "1", "1/2", "1/2/3", "1/-1"]);
  assert.deepEqual(asked, [null, 1, 0, 2]);
  branches.close("0");
  assert.deepEqual(keys(), ["0", "1", "1/2", "1/2/3", "1/-1"]);
  await branches.reach([1, 30], line(30));
  assert.deepEqual(keys().slice(-2), ["1/30", "1/-1"]);
});

test("the way to a node goes up by first parents, and ends where they turn in a circle", async () => {
  const parents: Record<number, number[]> = { 3: [2, 9], 2: [1], 1: [], 5: [6], 6: [5] };
  const of = async (id: number) => parents[id] ?? [];
  assert.deepEqual(await wayTo(3, of), [1, 2, 3]);
  assert.deepEqual(await wayTo(5, of), [6, 5]);
});
