// The texts that were tried in this tab. They are kept as long as it is open, and go nowhere.
import { signal } from "@preact/signals";
import type { Answer } from "./remote";

export interface Tried {
  text: string;
  category: string;
}

const PLACE = "textaxa-recent";
const MOST = 20;
/** A text counts as tried when its answer has stood for so long. */
const STANDS = 1500;

export const recent = signal<Tried[]>(read());

function read(): Tried[] {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(PLACE) ?? "[]");
    return Array.isArray(found) ? found.filter((one) => typeof one?.text === "string" && typeof one?.category === "string") : [];
  } catch {
    return [];
  }
}

function keep(found: Tried[]) {
  recent.value = found;
  try {
    sessionStorage.setItem(PLACE, JSON.stringify(found));
  } catch {
    // The store is full or closed; the list lives on as long as the page.
  }
}

/** Remember a text when its answer stays; call what comes back when it does not. */
export function remember(answer: Answer): () => void {
  const timer = window.setTimeout(() => {
    const category = answer.row.paths.map((one) => one.levels.at(-1)?.name ?? "").join(", ") || "no category";
    // What one goes on typing takes the place of what it began with.
    const rest = recent.peek().filter((one, i) => one.text !== answer.text && !(i === 0 && answer.text.startsWith(one.text)));
    keep([{ text: answer.text, category }, ...rest].slice(0, MOST));
  }, STANDS);
  return () => window.clearTimeout(timer);
}

export const forget = () => keep([]);
