// What a search box shows: nodes for the words in it, asked for when the typing rests.
import { useEffect, useRef, useState } from "preact/hooks";
import { type FoundNode, search } from "./remote";

/** After so many milliseconds without a key, the service is asked. */
const PAUSE = 130;

export interface Found {
  /** Null while nothing is searched, or nothing has come yet. */
  nodes: FoundNode[] | null;
  /** Whether they are those of the words that stand there now. */
  fresh: boolean;
  trouble: string;
  /** Call with the nodes: now where they are fresh, else as soon as they come. Enter may be faster than the service. */
  whenFresh(then: (nodes: FoundNode[]) => void): void;
  /** Forget what was to be called. */
  wait(): void;
}

/** Search for words in a model's taxonomy. */
export function useFound(model: string, query: string): Found {
  const [answer, setAnswer] = useState<{ of: string; nodes: FoundNode[] | null; trouble: string }>({ of: "", nodes: null, trouble: "" });
  const late = useRef<((nodes: FoundNode[]) => void) | null>(null);
  useEffect(() => {
    if (!query) return setAnswer({ of: "", nodes: null, trouble: "" });
    let current = true;
    const timer = window.setTimeout(() => {
      search(model, query).then(
        (nodes) => {
          if (!current) return;
          setAnswer({ of: query, nodes, trouble: "" });
          late.current?.(nodes);
          late.current = null;
        },
        (error: unknown) => current && setAnswer({ of: query, nodes: null, trouble: error instanceof Error ? error.message : String(error) }),
      );
    }, PAUSE);
    return () => {
      current = false;
      window.clearTimeout(timer);
    };
  }, [model, query]);
  const fresh = answer.of === query;
  return {
    nodes: answer.nodes,
    fresh,
    trouble: fresh ? answer.trouble : "",
    whenFresh: (then) => (fresh && answer.nodes ? then(answer.nodes) : void (late.current = then)),
    wait: () => void (late.current = null),
  };
}
