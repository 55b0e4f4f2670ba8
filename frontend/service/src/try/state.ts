// One text and its answer. It is asked as one types; an answer that is outdated is never shown.
import { computed, effect, signal } from "@preact/signals";
import { ApiError } from "../shell/api";
import { model, models } from "../shell/model";
import * as remote from "./remote";

/** After so many milliseconds without a key, the service is asked. */
const PAUSE = 180;
/** Words are asked for a little later: a text is read up to 96 times for them. */
const PAUSE_WORDS = 500;
/** No answer after so long: it is given up, and a person is told. */
const PATIENCE = 40_000;
/** Where the service says not how long to wait. */
const WAIT = 2;

export type Trouble = { kind: "busy"; seconds: number } | { kind: "offline" | "refused" | "key"; message: string } | null;

export const text = signal("");
export const answer = signal<remote.Answer | null>(null);
export const asking = signal(false);
export const trouble = signal<Trouble>(null);

/** The accuracy that is asked to be promised; null: none. */
export const accuracy = signal<number | null>(null);

/** Whether the words are shown that argued for the answer, and what they are. */
export const why = signal(false);
export const explained = signal<{ of: remote.Answer; told: remote.Explained } | null>(null);
export const explaining = signal(false);
export const troubleWords = signal("");

export const length = computed(() => [...text.value].length);
export const longest = computed(() => models.value?.limits.characters ?? Infinity);
export const tooLong = computed(() => text.value.length > longest.value && length.value > longest.value);

/** Whether what is shown is the answer to what stands in the box. */
export const isCurrent = computed(() => answer.value?.text === text.value && answer.value?.model === model.value);

let controller = new AbortController();
let timer = 0;
const again = signal(0);

/** Ask now, as after a problem. */
export const askAgain = () => void again.value++;
window.addEventListener("online", askAgain);

/** Follow the text, the model and what shall be promised, as long as the part is open. */
export function follow(): () => void {
  const stop = effect(() => {
    const [asked, given, promise] = [model.value, text.value, accuracy.value];
    void again.value;
    drop();
    const known = answer.peek();
    const answered = known?.text === given && known.model === asked && (known.promise?.accuracy ?? null) === promise;
    if (!asked || answered) return;
    if (!given.trim() || tooLong.value) {
      [answer.value, explained.value] = [null, null];
      return;
    }
    timer = window.setTimeout(() => void ask(asked, given, asked.promise ? promise : null), PAUSE);
  });
  const stopWords = effect(() => {
    const found = answer.value;
    if (!why.value || !found || explained.peek()?.of === found) return;
    const held = new AbortController();
    const wait = window.setTimeout(() => void askWords(found, held.signal), PAUSE_WORDS);
    return () => {
      window.clearTimeout(wait);
      held.abort();
    };
  });
  return () => {
    stop();
    stopWords();
    drop();
  };
}

/** Leave what is on its way. */
function drop() {
  window.clearTimeout(timer);
  controller.abort();
  controller = new AbortController();
  [asking.value, trouble.value] = [false, null];
}

async function ask(asked: NonNullable<typeof model.value>, given: string, promise: number | null) {
  const mine = controller;
  const patience = AbortSignal.timeout(PATIENCE);
  asking.value = true;
  try {
    const found = await remote.classify(asked, given, promise, AbortSignal.any([mine.signal, patience]));
    if (mine === controller) [answer.value, asking.value] = [found, false];
  } catch (error) {
    if (mine === controller) [trouble.value, asking.value] = [troubleOf(error, patience.aborted), false];
  }
  if (mine === controller && trouble.value?.kind === "busy") countDown();
}

/** Wait as long as the service says, second by second, and ask again. */
function countDown() {
  const now = trouble.value;
  if (now?.kind !== "busy") return;
  timer = window.setTimeout(() => {
    if (now.seconds <= 1) return askAgain();
    trouble.value = { kind: "busy", seconds: now.seconds - 1 };
    countDown();
  }, 1000);
}

function troubleOf(error: unknown, late: boolean): Trouble {
  if (late) return { kind: "refused", message: "No answer came for a long time. The service may be overloaded." };
  if (!(error instanceof ApiError)) return { kind: "refused", message: error instanceof Error ? error.message : String(error) };
  if (error.status === 429) return { kind: "busy", seconds: Math.max(1, Math.ceil(error.retryAfter ?? WAIT)) };
  if (error.status === 0) return { kind: "offline", message: error.message };
  return { kind: error.status === 401 ? "key" : "refused", message: error.message };
}

async function askWords(of: remote.Answer, signal: AbortSignal) {
  const path = remote.namesOf(of.row.paths[0]);
  [troubleWords.value, explained.value] = ["", null];
  if (!path.length) return;
  explaining.value = true;
  try {
    const told = await remote.explain(of.model, of.text, path, signal);
    if (!signal.aborted) explained.value = { of, told };
  } catch (error) {
    if (!signal.aborted) troubleWords.value = error instanceof Error ? error.message : String(error);
  } finally {
    explaining.value = false;
  }
}

/** Other paths than the answer: one key away. */
const MOST_OTHERS = 5;

const joined = (path: remote.Path | undefined) => remote.namesOf(path).map((name) => `${name}\n`).join("");

/** Whether a path is the beginning of the answer's: then it is no rival of it, but less of the same. */
export const isAbove = (path: remote.Path, found: remote.Answer) => {
  const first = joined(found.row.paths[0]);
  return first.startsWith(joined(path)) && first !== joined(path);
};

/** Most probable first; what lies above the answer is last, whatever its probability, and only the nearest. */
export const others = computed<remote.Path[]>(() => {
  const found = answer.value;
  if (!found || found.model.task === "multi") return [];
  const rest = found.likely.filter((one) => joined(one) !== joined(found.row.paths[0]));
  const above = rest.filter((one) => isAbove(one, found)).sort((a, b) => b.levels.length - a.levels.length).slice(0, 1);
  return [...rest.filter((one) => !isAbove(one, found)).slice(0, MOST_OTHERS - above.length), ...above];
});

/** What a person said of texts, as long as the page is open: text and model to the categories. */
export const said = signal<ReadonlyMap<string, string[][]>>(new Map());
const placeOf = (found: remote.Answer) => `${found.model.name}\n${found.text}`;
export const saidOf = (found: remote.Answer) => said.value.get(placeOf(found));

/** Keep what a person says of the answer. */
export async function say(found: remote.Answer, paths: string[][]): Promise<void> {
  const predicted = remote.namesOf(found.row.paths[0]);
  const probability = found.row.paths[0]?.probability ?? null;
  await remote.correct(found.model, { text: found.text, paths, predicted, probability });
  said.value = new Map(said.value).set(placeOf(found), paths);
}
