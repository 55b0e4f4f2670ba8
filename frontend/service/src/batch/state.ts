// One batch: a table, how it is read, the run through it, what a person said. It stays while one looks at other parts.
import { computed, signal } from "@preact/signals";
import type { ModelLine } from "../shell/api";
import type { Answer, Layout } from "./cells";
import { BadFile } from "./faults";
import * as remote from "./remote";
import { categories, shownRows, type Verdict, type Wanted } from "./review";
import { Run } from "./run";
import { meanLengths, readTable, type Table } from "./table";
import { firstChoice, type TextColumns, textOf } from "./texts";

export const table = signal<Table | null>(null);
export const reading = signal<number | null>(null);
export const problem = signal("");
export const columns = signal<TextColumns>({ text: [], template: null });
export const accuracy = signal<number | null>(null);
export const top = signal(1);

export const run = signal<Run | null>(null);
/** Grows with the run; what is drawn of it looks at this. */
export const beat = signal(0);
export const texts = signal<string[]>([]);
export const versions = signal<string[]>([]);
export const promise = signal<remote.Promised | null>(null);

export const verdicts = signal<ReadonlyMap<number, Verdict>>(new Map());
export const chosen = signal<number | null>(null);
const ALL: Wanted = { order: "unsure", within: null, stopped: null, search: "", open: false };
export const wanted = signal<Wanted>(ALL);
/** The model and options that the answers are of. */
export const asked = signal<remote.Asked | null>(null);
export const layout = signal<Layout>({ several: false, top: 1, because: false, pathsSeparator: ";" });

export const separator = signal(" > ");

/** The verdicts that are in a file already. */
let safe: ReadonlyMap<number, Verdict> = verdicts.value;
export const downloaded = () => void (safe = verdicts.value);
/** Whether a person said something that is in no file yet. */
export const unsaved = () => verdicts.peek().size > 0 && verdicts.peek() !== safe;

export const running = computed(() => (beat.value, run.value?.state === "running" || run.value?.state === "paused"));

/** The rows of the list. While a run goes on, rows stay where they are: `beat` alone does not sort them anew. */
const sorted = signal(0);
export const rows = computed<number[]>(() => {
  void sorted.value;
  const found = run.value;
  return found ? shownRows(found.answers, texts.value, verdicts.peek(), wanted.value) : [];
});

/** Put the rows in order with what has been answered by now. */
export const sortAnew = () => void sorted.value++;

let file: File | null = null;
let pathsSeparator = ";";

/** Read a file that was dropped or chosen. */
export async function open(dropped: File, model: ModelLine, delimiter: string | null = null) {
  close();
  file = dropped;
  reading.value = 0;
  try {
    const found = await readTable(dropped, delimiter, (share) => (reading.value = share));
    const known = await remote.remembered(model.name).catch(() => null);
    if (file !== dropped) return;
    pathsSeparator = known?.pathsSeparator ?? ";";
    columns.value = firstChoice(found.columns, known?.columns ?? null, meanLengths(found));
    table.value = found;
  } catch (error) {
    if (file === dropped) problem.value = messageOf(error, dropped.name);
  } finally {
    if (file === dropped) reading.value = null;
  }
}

/** Read the same file with another delimiter. */
export function reopen(delimiter: string, model: ModelLine) {
  if (file) void open(file, model, delimiter);
}

/** Forget the table and all that came of it. */
export function close() {
  run.value?.stop();
  file = null;
  [table.value, reading.value, problem.value, run.value] = [null, null, "", null];
  [texts.value, versions.value, promise.value, verdicts.value, chosen.value] = [[], [], null, new Map(), null];
  wanted.value = ALL;
}

/** Begin to answer the rows of the table. */
export function start(model: ModelLine, limits: { texts: number; characters: number; body: number }) {
  const found = table.value!;
  const how: remote.Asked = { model: model.name, top: model.task === "multi" ? 1 : top.value, accuracy: accuracy.value };
  asked.value = how;
  separator.value = model.separator;
  layout.value = { several: model.task === "multi", top: Math.min(how.top, model.terminals), because: how.accuracy !== null, pathsSeparator };
  const all = new Array<string>(found.count);
  for (let i = 0; i < all.length; i++) all[i] = textOf((column) => found.cell(i, column), columns.value);
  texts.value = all;
  [versions.value, promise.value, verdicts.value, chosen.value] = [[], null, new Map(), null];
  [wanted.value, lastSort] = [ALL, -SORT_EVERY];
  // Any character of JSON may take six bytes.
  const room = { texts: limits.texts, characters: limits.characters, total: Math.floor(limits.body / 6) };
  run.value = new Run(all, room, {
    ask: async (batch, signal) => told(await remote.classify(how, batch, signal)),
    tell: drawSoon,
    now: () => performance.now(),
    sleep: (milliseconds) => new Promise((go) => window.setTimeout(go, milliseconds)),
  });
  run.value.start();
}

function told(answer: remote.Told): Answer[] {
  if (!versions.value.includes(answer.version)) versions.value = [...versions.value, answer.version];
  promise.value ??= answer.promise;
  return answer.answers;
}

let drawing = false;
let lastSort = 0;
const SORT_EVERY = 1500;

/** Draw a beat at the next frame at the latest; the list is filled anew now and then, and at the end. */
function drawSoon() {
  if (drawing) return;
  drawing = true;
  window.setTimeout(() => {
    drawing = false;
    beat.value++;
    const ended = run.value?.state !== "running";
    if (!ended && performance.now() - lastSort < SORT_EVERY) return;
    lastSort = performance.now();
    sortAnew();
  }, 60);
}

/** Keep what a person says of a row. */
export function say(row: number, path: string[]) {
  const predicted = categories(run.value?.answers[row] ?? null);
  const right = predicted.some((one) => one.join("\n") === path.join("\n"));
  verdicts.value = new Map(verdicts.value).set(row, { path, right });
}

/** Take back what was said. */
export function unsay(row: number) {
  const left = new Map(verdicts.value);
  left.delete(row);
  verdicts.value = left;
}

function messageOf(error: unknown, name: string): string {
  if (error instanceof BadFile) return error.message;
  return `${name} cannot be read: ${error instanceof Error ? error.message : String(error)}.`;
}
