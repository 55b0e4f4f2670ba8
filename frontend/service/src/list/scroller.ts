// Ties the arithmetic of `window.ts` to an element that scrolls.
import type { RefObject } from "preact";
import { useCallback, useLayoutEffect, useRef, useState } from "preact/hooks";
import { drawn, revealing, tallness, topOf, type View } from "./window";

export interface Scroller {
  /** For the element that scrolls. */
  box: RefObject<HTMLDivElement | null>;
  view: View;
  /** Height of the element inside, in pixels. */
  tall: number;
  first: number;
  last: number;
  /** Where a row stands in the element inside, in pixels. */
  top(row: number): number;
  /** Bring a row into view. */
  reveal(row: number): void;
  /** How many whole rows are in view. */
  page: number;
}

/** Follow the scrolling of a list of rows of one height. */
export function useScroller(count: number, rowHeight: number): Scroller {
  const box = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState({ height: 400, scrolled: 0 });
  const look = useCallback(() => {
    const element = box.current;
    if (!element) return;
    const [height, scrolled] = [element.clientHeight, element.scrollTop];
    setPlace((old) => (old.height === height && old.scrolled === scrolled ? old : { height, scrolled }));
  }, []);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const sizes = new ResizeObserver(look);
    sizes.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    look();
    return () => {
      sizes.disconnect();
      element.removeEventListener("scroll", look);
    };
  }, [look]);
  // A list that became shorter is scrolled back by the browser, which may tell nobody.
  useLayoutEffect(look, [look, count, rowHeight]);
  const view: View = { count, rowHeight, ...place };
  const [first, last] = drawn(view);
  const reveal = useCallback(
    (row: number) => {
      const element = box.current;
      if (!element || row < 0 || row >= count) return;
      const now: View = { count, rowHeight, height: element.clientHeight, scrolled: element.scrollTop };
      const wanted = revealing(now, row);
      if (wanted !== now.scrolled) element.scrollTop = wanted;
      look();
    },
    [count, rowHeight, look],
  );
  return {
    box,
    view,
    tall: tallness(view),
    first,
    last,
    top: (row) => topOf(view, row),
    reveal,
    page: Math.max(1, Math.floor(place.height / rowHeight)),
  };
}
