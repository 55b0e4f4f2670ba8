// Choosing the right category: type some letters, arrows, Enter.
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useFound } from "../explore/found";

interface Props {
  model: string;
  /** Paths to offer before anything is typed. */
  near: string[][];
  onChoose(path: string[]): void;
  onCancel(): void;
}

export function Picker({ model, near, onChoose, onCancel }: Props) {
  const id = useId();
  const box = useRef<HTMLInputElement>(null);
  const [words, setWords] = useState("");
  const [at, setAt] = useState(0);
  const query = words.trim();
  const { nodes, fresh, trouble, whenFresh, wait } = useFound(model, query);
  const found = nodes?.map((one) => one.path) ?? [];
  const offered = query ? found : near;

  // Before the next key: what is typed at once belongs into the box.
  useLayoutEffect(() => box.current?.focus(), []);
  useEffect(() => setAt(0), [nodes]);
  useEffect(() => document.getElementById(`${id}-${at}`)?.scrollIntoView({ block: "nearest" }), [at]);

  const onKeyDown = (event: KeyboardEvent) => {
    wait();
    if (event.key === "Escape") onCancel();
    else if (event.key === "ArrowDown") setAt(Math.min(offered.length - 1, at + 1));
    else if (event.key === "ArrowUp") setAt(Math.max(0, at - 1));
    else if (event.key === "Enter" && !query) near[at] && onChoose(near[at]);
    else if (event.key === "Enter") {
      whenFresh((come) => {
        const one = come[come === nodes ? at : 0];
        if (one) onChoose(one.path);
      });
    } else return;
    event.preventDefault();
  };

  return (
    <div class="picker">
      <label for={`${id}-box`}>The right category</label>
      <input
        id={`${id}-box`}
        ref={box}
        type="search"
        role="combobox"
        list={undefined}
        autocomplete="off"
        spellcheck={false}
        placeholder="Type some letters of it"
        aria-expanded={offered.length > 0}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={offered.length ? `${id}-${at}` : undefined}
        value={words}
        onInput={(event) => (setWords(event.currentTarget.value), setAt(0))}
        onKeyDown={onKeyDown}
      />
      <ul id={`${id}-list`} class="results-list" role="listbox" aria-label="Categories" hidden={!offered.length}>
        {offered.map((path, i) => (
          <li
            key={path.join("\n")}
            id={`${id}-${i}`}
            role="option"
            aria-selected={i === at}
            class={i === at ? "is-chosen" : ""}
            onClick={() => onChoose(path)}
          >
            {path.join(" › ")}
          </li>
        ))}
      </ul>
      <p class="muted" role="status">
        {trouble || (query && fresh && !found.length ? "No category has these letters." : "")}
      </p>
    </div>
  );
}
