// What the service says in its own words, said to a person.
import type { Path, Row } from "./remote";

export function percent(share: number): string {
  if (share > 0 && share < 0.005) return "<1\u00a0%";
  return share > 0.995 && share < 1 ? ">99\u00a0%" : `${Math.round(share * 100)}\u00a0%`;
}

/** Where an answer ends, and why, in a sentence. */
export function whyItEnds(row: Row): string {
  const last = row.paths[0]?.levels.at(-1);
  const name = last ? `“${last.label ?? last.name}”` : "";
  switch (row.stopped) {
    case "leaf":
      return `${name} is as exact as it gets: there are no categories below it.`;
    case "label ends here":
      return `It stops at ${name}: the text fits that better than any category below it.`;
    case "not sure enough":
      return last ? `It stops at ${name}: below it the model is not sure enough.` : "The model is not sure enough to name any category.";
    case "expected cost is lowest here":
      return last ? `It stops at ${name}: going on would risk more than it could gain.` : "Naming a category would risk more than it could gain.";
    case "outside the taxonomy":
      return "The text seems to fit none of the categories.";
    case "no text":
      return "There is nothing to read in this text.";
    case "depth asked":
      return `It stops at ${name}, the deepest level that was asked for.`;
    default:
      return row.stopped ? `It stops here: ${row.stopped}.` : "";
  }
}

/** How an answer sounds when it is read aloud. */
export function aloud(row: Row): string {
  const told = row.paths.map((path) => `${spoken(path)}, ${percent(path.probability)}`);
  return told.length ? `Answer: ${told.join("; ")}` : `No category. ${whyItEnds(row)}`;
}

const spoken = (path: Path) => path.levels.map((level) => level.label ?? level.name).join(", ");
