// The text with the words marked that argued for a level of the answer, or against it.
import { useState } from "preact/hooks";
import type { Explained } from "./remote";

interface Part {
  text: string;
  /** Nats; 0: the words changed nothing. */
  weight: number;
}

/** Cut a text at its words; offsets count code points. */
export function partsOf(text: string, words: readonly { start: number; end: number; levels: number[] }[], level: number): Part[] {
  const points = [...text];
  const parts: Part[] = [];
  let at = 0;
  for (const word of words) {
    if (word.start < at) continue;
    if (word.start > at) parts.push({ text: points.slice(at, word.start).join(""), weight: 0 });
    parts.push({ text: points.slice(word.start, word.end).join(""), weight: word.levels[level] ?? 0 });
    at = word.end;
  }
  if (at < points.length) parts.push({ text: points.slice(at).join(""), weight: 0 });
  return parts;
}

/** Which of three strengths a weight is drawn with; relative to the strongest, and 0 where it hardly counts. */
export function strength(weight: number, strongest: number): number {
  const [size, share] = [Math.abs(weight), Math.abs(weight) / (strongest || 1)];
  return size < 0.05 || share < 0.08 ? 0 : share > 0.6 ? 3 : share > 0.25 ? 2 : 1;
}

export function Marked({ text, told }: { text: string; told: Explained }) {
  const [chosen, choose] = useState<number | null>(null);
  const last = told.levels.length - 1;
  const level = Math.min(chosen ?? last, last);
  const looked = told.levels[level];
  if (!looked) return <p class="muted">There is no category to find reasons for.</p>;
  const parts = partsOf(text, told.words, level);
  const strongest = Math.max(0, ...parts.map((part) => Math.abs(part.weight)));
  const none = parts.every((part) => strength(part.weight, strongest) === 0);
  return (
    <>
      {told.levels.length > 1 && (
        <div class="switch" role="group" aria-label="The level to find reasons for">
          {told.levels.map((one, i) => (
            <button key={i} type="button" aria-pressed={i === level} onClick={() => choose(i)}>
              {one.name}
            </button>
          ))}
        </div>
      )}
      <p class="muted">
        Why “{looked.name}”{looked.against && <> and not “{looked.against.at(-1)}”</>}?
      </p>
      <p class="marked">
        {parts.map((part, i) => {
          const how = strength(part.weight, strongest);
          if (!how) return part.text;
          const side = part.weight > 0 ? "for" : "against";
          const odds = Math.exp(Math.abs(part.weight));
          return (
            <mark key={i} class={`${side}-${how}`} title={`Without it the odds ${side === "for" ? "fall" : "rise"} ${odds < 10 ? odds.toFixed(1) : Math.round(odds).toLocaleString("en")} times`}>
              <span class="sr-only">{side === "for" ? "argues for: " : "argues against: "}</span>
              {part.text}
            </mark>
          );
        })}
      </p>
      {none ? (
        <p class="muted">No single word decides this: leaving any of them out changes little.</p>
      ) : (
        <p class="muted legend">
          <mark class="for-2">argues for</mark> <mark class="against-2">argues against</mark> stronger colour, more weight
        </p>
      )}
    </>
  );
}
