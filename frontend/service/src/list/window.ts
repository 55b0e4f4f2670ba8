// Which rows of a long list are in view. Only those are in the document, so that a million rows scroll like twenty.

/** The tallest element that every browser draws right; above it, places are scaled. */
export const TALLEST = 8_000_000;

/** Rows above and below the view that are drawn ahead, so that fast scrolling shows no gaps. */
const AHEAD = 8;

/** Where a list of rows of one height stands. */
export interface View {
  count: number;
  rowHeight: number;
  /** Height of what is seen, in pixels. */
  height: number;
  /** The scroll position of the element, in pixels. */
  scrolled: number;
}

/** Height of the scrolled element in pixels. */
export function tallness(view: View): number {
  return Math.min(TALLEST, view.count * view.rowHeight);
}

/** How many pixels of the list lie above what is seen; more than is scrolled where the list is taller than elements can be. */
export function above(view: View): number {
  const all = view.count * view.rowHeight;
  const room = tallness(view) - view.height;
  if (all <= TALLEST || room <= 0) return view.scrolled;
  return (Math.min(view.scrolled, room) / room) * (all - view.height);
}

/** The rows to draw: from the first to before the last. */
export function drawn(view: View): [number, number] {
  const first = Math.floor(above(view) / view.rowHeight) - AHEAD;
  const last = Math.ceil((above(view) + view.height) / view.rowHeight) + AHEAD;
  return [Math.max(0, Math.min(first, view.count)), Math.max(0, Math.min(last, view.count))];
}

/** Where a row is put in the scrolled element, in pixels. */
export function topOf(view: View, row: number): number {
  return view.scrolled + row * view.rowHeight - above(view);
}

/** The scroll position that brings a row into view: the one that is there where it is in view already. */
export function revealing(view: View, row: number): number {
  const [top, bottom] = [row * view.rowHeight, (row + 1) * view.rowHeight];
  const from = above(view);
  if (top >= from && bottom <= from + view.height) return view.scrolled;
  const wanted = top < from ? top : bottom - view.height;
  const all = view.count * view.rowHeight;
  const room = tallness(view) - view.height;
  return all <= TALLEST ? wanted : (wanted / (all - view.height)) * room;
}
