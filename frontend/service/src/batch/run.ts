// A run: texts go to the service in pieces, a few at a time; what fails comes again, what the service has no room for waits.
// It knows no page: who asks, waits and looks at the clock is handed in.
import type { Answer } from "./cells";

/** What went wrong with a piece, as the page's client tells it. */
export interface Refusal {
  /** HTTP status; 0 where nothing came back. */
  status: number;
  message: string;
  /** Seconds to wait, where the service says so. */
  retryAfter?: number | undefined;
}

export interface Limits {
  /** Texts and characters of a request, and characters of a text. */
  texts: number;
  total: number;
  characters: number;
}

export interface World {
  /** Ask for the answers to texts; throws a `Refusal`. */
  ask(texts: string[], signal: AbortSignal): Promise<Answer[]>;
  /** Something has changed. */
  tell(): void;
  /** Milliseconds. */
  now(): number;
  sleep(milliseconds: number): Promise<void>;
}

export type State = "ready" | "running" | "paused" | "stopped" | "done";

interface Range {
  from: number;
  to: number;
  tries: number;
}

/** Rows that could not be answered, and why. */
export interface Failure {
  from: number;
  to: number;
  message: string;
}

const FIRST_PIECE = 16;
/** A request shall take about so long: short enough for a lively progress bar, long enough that its own cost is small. */
const AIM = 800;
const MOST_AT_ONCE = 4;
const MOST_TRIES = 5;
const WINDOW = 15_000;

export class Run {
  readonly answers: (Answer | null)[];
  state: State = "ready";
  done = 0;
  failures: Failure[] = [];
  /** Why it stopped by itself. */
  problem = "";
  /** When it goes on after the service had no room, by `now`. */
  waitsUntil = 0;
  private waiting: Range[];
  private active = 0;
  private most = 2;
  private piece = FIRST_PIECE;
  private abort = new AbortController();
  private readonly ticks: [number, number][] = [];
  private readonly texts: readonly string[];
  private readonly limits: Limits;
  private readonly world: World;

  constructor(texts: readonly string[], limits: Limits, world: World) {
    [this.texts, this.limits, this.world] = [texts, limits, world];
    this.answers = new Array<Answer | null>(texts.length).fill(null);
    this.waiting = texts.length ? [{ from: 0, to: texts.length, tries: 0 }] : [];
  }

  get total(): number {
    return this.texts.length;
  }

  get failed(): number {
    return this.failures.reduce((sum, one) => sum + one.to - one.from, 0);
  }

  /** Rows a second over the last seconds; 0 where that cannot be told yet. */
  get speed(): number {
    const [first] = this.ticks;
    const last = this.ticks[this.ticks.length - 1];
    if (!first || !last || last[0] === first[0]) return 0;
    return ((last[1] - first[1]) / (last[0] - first[0])) * 1000;
  }

  /** Seconds that are left; null where that cannot be told. */
  get left(): number | null {
    return this.speed > 0 ? (this.total - this.done - this.failed) / this.speed : null;
  }

  start() {
    if (this.state === "running" || this.state === "done") return;
    this.state = "running";
    this.problem = "";
    this.abort = new AbortController();
    this.ticks.length = 0;
    this.ticks.push([this.world.now(), this.done]);
    this.more();
  }

  /** Begin nothing new; what is asked is still answered. */
  pause() {
    if (this.state === "running") this.become("paused");
  }

  /** End; what is asked is thrown away. Starting again goes on with what is left. */
  stop() {
    if (this.state !== "running" && this.state !== "paused") return;
    this.become("stopped");
    this.abort.abort();
  }

  /** Ask once more for what failed. */
  retry() {
    for (const { from, to } of this.failures) this.waiting.unshift({ from, to, tries: 0 });
    this.failures = [];
    if (this.state === "done") this.state = "stopped";
    this.start();
  }

  private become(state: State) {
    this.state = state;
    this.world.tell();
  }

  private more() {
    while (this.state === "running" && this.active < this.most && this.waiting.length && !this.waitsUntil) {
      this.active++;
      void this.work(this.next());
    }
    if (this.state === "running" && !this.active && !this.waiting.length) this.become("done");
    else this.world.tell();
  }

  /** Take the next piece from what waits. */
  private next(): Range {
    const range = this.waiting.shift()!;
    let [to, room] = [range.from, this.limits.total];
    const last = Math.min(range.to, range.from + Math.min(this.piece, this.limits.texts));
    while (to < last && (to === range.from || this.texts[to]!.length <= room)) room -= this.texts[to++]!.length;
    if (to < range.to) this.waiting.unshift({ ...range, from: to });
    return { ...range, to };
  }

  private async work(range: Range) {
    const began = this.world.now();
    const { signal } = this.abort;
    try {
      const texts = this.texts.slice(range.from, range.to);
      const answers = await this.answered(texts, signal);
      if (!signal.aborted) this.keep(range, answers, this.world.now() - began);
      else this.waiting.unshift(range);
    } catch (error) {
      if (signal.aborted) this.waiting.unshift(range);
      else this.refused(range, asRefusal(error));
    }
    this.active--;
    this.more();
  }

  private async answered(texts: string[], signal: AbortSignal): Promise<Answer[]> {
    const long = texts.find((text) => text.length > this.limits.characters);
    if (texts.length === 1 && long !== undefined) {
      const [is, may] = [long.length.toLocaleString("en"), this.limits.characters.toLocaleString("en")];
      throw { status: 422, message: `The text has ${is} characters; the service takes ${may}.` } satisfies Refusal;
    }
    if (long !== undefined) throw { status: 413, message: "A text is too long." } satisfies Refusal;
    const answers = await this.world.ask(texts, signal);
    if (answers.length === texts.length) return answers;
    throw { status: 0, message: `The service gave ${answers.length} answers to ${texts.length} texts.` } satisfies Refusal;
  }

  private keep(range: Range, answers: Answer[], took: number) {
    for (const [i, answer] of answers.entries()) this.answers[range.from + i] = answer;
    this.done += answers.length;
    const now = this.world.now();
    this.ticks.push([now, this.done]);
    while (this.ticks.length > 2 && now - this.ticks[0]![0] > WINDOW) this.ticks.shift();
    if (answers.length === this.piece && took < AIM / 2) this.piece = Math.min(this.piece * 2, this.limits.texts);
    else if (took > AIM * 2) this.piece = Math.max(1, this.piece >> 1);
    if (this.most < MOST_AT_ONCE && took < AIM) this.most++;
  }

  private refused(range: Range, why: Refusal) {
    const size = range.to - range.from;
    const mine = [400, 413, 422].includes(why.status);
    if (why.status === 429) this.wait(range, (why.retryAfter ?? 1) * 1000);
    else if (mine && size > 1 && (this.done || this.failed || why.status === 413)) this.halve(range);
    else if (mine && this.done + this.failed === 0 && this.total > 1 && why.status !== 413 && size > 1) this.end(range, why);
    else if (mine) this.give(range, why);
    else if ([401, 403, 404].includes(why.status)) this.end(range, why);
    else if (range.tries + 1 >= MOST_TRIES) this.give(range, why);
    else {
      if (why.status === 503 && size > 1) this.piece = Math.max(1, size >> 1);
      this.wait({ ...range, tries: range.tries + 1 }, (why.retryAfter ?? 0.5 * 2 ** range.tries) * 1000);
    }
  }

  /** Find the one text that is refused: by halves. */
  private halve({ from, to, tries }: Range) {
    const middle = (from + to) >> 1;
    this.waiting.unshift({ from, to: middle, tries }, { from: middle, to, tries });
  }

  private give({ from, to }: Range, why: Refusal) {
    this.failures.push({ from, to, message: why.message });
  }

  private end(range: Range, why: Refusal) {
    this.waiting.unshift(range);
    if (this.state !== "running") return;
    this.problem = why.message;
    this.stop();
  }

  /** Let the service breathe: fewer requests at once, and none before it says so. Not all come back at the same moment. */
  private wait(range: Range, milliseconds: number) {
    this.waiting.unshift(range);
    this.most = Math.max(1, this.most >> 1);
    const until = this.world.now() + milliseconds * (1 + Math.random() / 4);
    if (until <= this.waitsUntil) return;
    this.waitsUntil = until;
    void this.world.sleep(until - this.world.now()).then(() => {
      if (this.waitsUntil !== until) return;
      this.waitsUntil = 0;
      this.more();
    });
  }
}

function asRefusal(error: unknown): Refusal {
  if (typeof error === "object" && error !== null && "status" in error && "message" in error) return error as Refusal;
  return { status: 0, message: error instanceof Error ? error.message : String(error) };
}
