// A category to move below or to merge into: words in, a list to choose from.
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import * as state from "./state";
import { told } from "./tree_model";

const MOST = 50;

interface Props {
  /** What cannot be chosen, with all that lies below it. */
  without: number;
  /** Whether the top level can be chosen. */
  top: boolean;
  chosen: number | null | undefined;
  onChoose(key: number | null | undefined): void;
}

export function Target({ without, top, chosen, onChoose }: Props) {
  const id = useId();
  const box = useRef<HTMLInputElement>(null);
  const [words, setWords] = useState("");
  const [at, setAt] = useState(-1);
  useLayoutEffect(() => void box.current?.focus(), []);
  const tree = state.tree.value;
  const found = (given: string) => {
    const some: (number | null)[] = tree.search(given, MOST, (key) => tree.isUnder(key, without));
    if (top && !given.trim() && tree.parentOf(without) !== null) some.unshift(null);
    return some;
  };
  const keys = found(words);

  const open = keys.length > 0;

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown") go(Math.min(keys.length - 1, at + 1));
    else if (event.key === "ArrowUp") go(Math.max(0, at - 1));
    else return;
    event.preventDefault();
  };
  const go = (to: number) => {
    setAt(to);
    if (keys[to] !== undefined) onChoose(keys[to]!);
    document.getElementById(`${id}-${to}`)?.scrollIntoView({ block: "nearest" });
  };

  return (
    <div class="edit-target">
      <label for={`${id}-box`}>Search categories</label>
      <input
        id={`${id}-box`}
        ref={box}
        type="search"
        role="combobox"
        list={undefined}
        autocomplete="off"
        aria-expanded={open}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={at >= 0 ? `${id}-${at}` : undefined}
        value={words}
        onInput={(event) => {
          // The best one is chosen as one types, so that Enter takes it.
          const given = event.currentTarget.value;
          const best = given.trim() ? found(given)[0] : undefined;
          setWords(given);
          setAt(best === undefined ? -1 : 0);
          onChoose(best);
        }}
        onKeyDown={onKeyDown}
      />
      <ul id={`${id}-list`} role="listbox" aria-label="Categories" tabIndex={-1}>
        {keys.map((key, i) => (
          <li id={`${id}-${i}`} key={key ?? "top"} role="option" aria-selected={key === chosen} onClick={() => go(i)}>
            {key === null ? (
              "Top level"
            ) : (
              <>
                <span>{tree.byKey.get(key)!.name}</span>
                <small class="muted">{told(tree.path(tree.parentOf(key))) || "top level"}</small>
              </>
            )}
          </li>
        ))}
      </ul>
      <p class="muted" role="status">
        {keys.length === 0 ? "No category has these words." : keys.length >= MOST ? `The first ${MOST}.` : ""}
      </p>
    </div>
  );
}
