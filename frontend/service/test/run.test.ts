// Runs: every text answered once, in its place, whatever the service says in between.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Answer } from "../src/batch/cells";
import { categories, type Verdict, shownRows, summaryOf, sureness, type Wanted } from "../src/batch/review";
import { type Limits, Run, type World } from "../src/batch/run";

const LIMITS: Limits = { texts: 100, total: 100_000, characters: 1000 };
const texts = (count: number) => Array.from({ length: count }, (_, i) => `text ${i}`);
const answer = (text: string): Answer => ({ path: text, probability: 0.5, depth: 1, stopped: "leaf", paths: [] });

/** A world with a clock of its own. */
function world(ask: (texts: string[], call: number) => Answer[] | Promise<Answer[]>): World & { asked: string[][]; slept: number[]; atOnce: number } {
  let [clock, calls, active] = [0, 0, 0];
  const made = {
    asked: [] as string[][],
    slept: [] as number[],
    atOnce: 0,
    async ask(batch: string[], signal: AbortSignal) {
      made.asked.push(batch);
      made.atOnce = Math.max(made.atOnce, ++active);
      try {
        await Promise.resolve();
        clock += 20;
        if (signal.aborted) throw { status: 0, message: "aborted" };
        return await ask(batch, calls++);
      } finally {
        active--;
      }
    },
    tell() {},
    now: () => clock,
    async sleep(milliseconds: number) {
      made.slept.push(milliseconds);
      clock += milliseconds;
      await Promise.resolve();
    },
  };
  return made;
}

const ends = async (run: Run) => {
  for (let i = 0; i < 20_000 && run.state === "running"; i++) await Promise.resolve();
};
const inPlace = (run: Run, all: string[]) => run.answers.forEach((found, i) => assert.equal(found?.path, all[i]));

test("all texts are answered in their place, few requests at once, pieces grow", async () => {
  const all = texts(1003);
  const here = world((batch) => batch.map(answer));
  const run = new Run(all, LIMITS, here);
  run.start();
  await ends(run);
  assert.equal(run.state, "done");
  assert.equal(run.done, 1003);
  inPlace(run, all);
  assert.ok(here.atOnce <= 4);
  assert.equal(Math.max(...here.asked.map((batch) => batch.length)), LIMITS.texts);
  assert.ok(run.speed > 0);
});

test("a service without room is given time, and nothing is lost or asked twice at the end", async () => {
  const all = texts(300);
  const here = world((batch, call) => {
    if (call % 3 === 1) throw { status: 429, message: "full", retryAfter: 2 };
    return batch.map(answer);
  });
  const run = new Run(all, LIMITS, here);
  run.start();
  await ends(run);
  assert.equal(run.done, 300);
  inPlace(run, all);
  assert.ok(here.slept.length > 0 && here.slept.every((time) => time >= 2000 - 300 && time <= 2500));
});

test("what fails again and again is kept apart, and can be asked for once more", async () => {
  const all = texts(60);
  let broken = true;
  const here = world((batch) => {
    if (broken && batch.includes("text 20")) throw { status: 500, message: "broken" };
    return batch.map(answer);
  });
  const run = new Run(all, LIMITS, here);
  run.start();
  await ends(run);
  assert.equal(run.state, "done");
  assert.ok(run.failed > 0);
  assert.equal(run.done + run.failed, 60);
  assert.equal(run.failures[0]!.message, "broken");
  broken = false;
  run.retry();
  await ends(run);
  assert.deepEqual([run.state, run.failed, run.done], ["done", 0, 60]);
  inPlace(run, all);
});

test("one text that is refused does not take its neighbours along", async () => {
  const all = texts(100);
  all[70] = "x".repeat(2000);
  all[33] = "poison";
  const here = world((batch) => {
    if (batch.includes("poison")) throw { status: 422, message: "not a text" };
    return batch.map(answer);
  });
  const run = new Run(all, LIMITS, here);
  run.start();
  await ends(run);
  assert.deepEqual(run.failures.map(({ from, to }) => [from, to]).sort(), [[33, 34], [70, 71]]);
  assert.equal(run.done, 98);
  assert.match(run.failures.find((one) => one.from === 70)!.message, /2,000 characters/);
});

test("what is refused from the start ends the run with the reason", async () => {
  const run = new Run(texts(50), LIMITS, world(() => { throw { status: 422, message: "No promise can be kept." }; }));
  run.start();
  await ends(run);
  assert.deepEqual([run.state, run.problem, run.done], ["stopped", "No promise can be kept.", 0]);
});

test("stop and start again: what was asked and thrown away is asked again", async () => {
  const all = texts(500);
  const here = world((batch) => batch.map(answer));
  const run = new Run(all, LIMITS, here);
  run.start();
  await Promise.resolve();
  run.stop();
  for (let i = 0; i < 50; i++) await Promise.resolve();
  assert.equal(run.state, "stopped");
  const before = run.done;
  run.start();
  await ends(run);
  assert.equal(run.done, 500);
  assert.ok(before < 500);
  inPlace(run, all);
});

test("pause lets what was asked come back, and begins nothing new", async () => {
  const run = new Run(texts(500), LIMITS, world((batch) => batch.map(answer)));
  run.start();
  await Promise.resolve();
  run.pause();
  for (let i = 0; i < 50; i++) await Promise.resolve();
  const seen = run.done;
  for (let i = 0; i < 50; i++) await Promise.resolve();
  assert.equal(run.done, seen);
  assert.ok(seen > 0 && seen < 500);
  run.start();
  await ends(run);
  assert.equal(run.done, 500);
});

test("too few answers are an error, not rows in wrong places", async () => {
  const run = new Run(texts(40), LIMITS, world((batch) => batch.slice(1).map(answer)));
  run.start();
  await ends(run);
  assert.equal(run.done, 0);
  assert.match(run.failures[0]!.message, /answers to/);
});

const found = (names: string[], probability: number, stopped = "leaf"): Answer => ({
  path: names.join(" > "), probability, depth: names.length, stopped,
  paths: [{ path: names.join(" > "), probability, levels: names.map((name) => ({ name, probability })) }],
});
const ANSWERS: (Answer | null)[] = [
  found(["Games", "Cards"], 0.9),
  found(["Games"], 0.3, "not sure enough"),
  { path: null, probability: null, depth: null, stopped: "no text", paths: [] },
  null,
  found(["Board Games"], 0.6),
];
const TEXTS = ["Poker", "Fun", "", "x", "Chess"];
const ALL: Wanted = { order: "unsure", within: null, stopped: null, search: "", open: false };
const shown = (wanted: Partial<Wanted>, verdicts = new Map<number, Verdict>()) => shownRows(ANSWERS, TEXTS, verdicts, { ...ALL, ...wanted });

test("the queue: least sure first, blank texts last, rows without an answer nowhere", () => {
  assert.deepEqual(shown({}), [1, 4, 0, 2]);
  assert.deepEqual(shown({ order: "file" }), [0, 1, 2, 4]);
});

test("filters: below a category by whole names, by reason, by a part of text or path, by what is left to do", () => {
  assert.deepEqual(shown({ within: ["Games"] }), [1, 0]);
  assert.deepEqual(shown({ within: ["Games", "Cards"] }), [0]);
  assert.deepEqual(shown({ stopped: "no text" }), [2]);
  assert.deepEqual(shown({ search: "CHESS" }), [4]);
  assert.deepEqual(shown({ search: "games" }), [1, 4, 0]);
  assert.deepEqual(shown({ open: true }, new Map([[1, { path: ["Games"], right: true }]])), [4, 0, 2]);
});

test("the summary counts depths, reasons and categories of a level", () => {
  const top = summaryOf(ANSWERS, []);
  assert.equal(top.answered, 4);
  assert.deepEqual(top.depths, [1, 2, 1]);
  assert.deepEqual(top.reasons, [["leaf", 2], ["not sure enough", 1], ["no text", 1]]);
  assert.deepEqual(top.categories, [{ path: ["Games"], rows: 2 }, { path: ["Board Games"], rows: 1 }]);
  assert.ok(Math.abs(top.mean! - 0.6) < 1e-9);
  assert.deepEqual(summaryOf(ANSWERS, ["Games"]).categories, [{ path: ["Games", "Cards"], rows: 1 }]);
});

test("answers with several paths: as sure as their least sure path", () => {
  const several: Answer = { paths: [{ path: "A", probability: 0.9, levels: [{ name: "A", probability: 0.9 }] }, { path: "B", probability: 0.2, levels: [{ name: "B", probability: 0.2 }] }] };
  assert.equal(sureness(several), 0.2);
  assert.deepEqual(categories(several), [["A"], ["B"]]);
  assert.equal(sureness({ paths: [] }), 0);
});
