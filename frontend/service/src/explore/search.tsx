// Search: words in, nodes out; arrows and Enter choose one without leaving the box.
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { useFound } from "./found";
import { words } from "./state";

interface Props {
  model: string;
  onChoose(id: number): void;
}

export function Search({ model, onChoose }: Props) {
  const id = useId();
  const box = useRef<HTMLInputElement>(null);
  const [at, setAt] = useState(0);
  const query = words.value.trim();
  const { nodes: found, trouble, whenFresh, wait } = useFound(model, query);

  useEffect(() => setAt(0), [found]);
  useEffect(() => slashFocuses(box), []);
  useEffect(() => document.getElementById(`${id}-${at}`)?.scrollIntoView({ block: "nearest" }), [at]);

  const onKeyDown = (event: KeyboardEvent) => {
    const last = (found?.length ?? 0) - 1;
    wait();
    if (event.key === "Escape") words.value = "";
    else if (event.key === "ArrowDown" && last >= 0) setAt(Math.min(last, at + 1));
    else if (event.key === "ArrowUp" && last >= 0) setAt(Math.max(0, at - 1));
    else if (event.key === "Enter" && query) {
      whenFresh((nodes) => {
        const one = nodes[nodes === found ? at : 0];
        if (one) onChoose(one.id);
      });
    } else return;
    event.preventDefault();
  };

  const open = query !== "" && found !== null && found.length > 0;
  return (
    <search class="explore-search">
      <label for={`${id}-box`}>Search categories</label>
      <input
        id={`${id}-box`}
        ref={box}
        type="search"
        role="combobox"
        list={undefined}
        autocomplete="off"
        spellcheck={false}
        placeholder="Name, word of the description, or code"
        aria-expanded={open}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={open && at >= 0 ? `${id}-${at}` : undefined}
        value={words.value}
        onInput={(event) => (words.value = event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <p class="muted" role="status">
        {trouble || (query && found ? told(found.length) : "")}
      </p>
      <ul id={`${id}-list`} class="results" role="listbox" aria-label="Categories found" hidden={!open}>
        {open &&
          found.map((one, i) => (
            <li
              id={`${id}-${i}`}
              key={one.id}
              role="option"
              aria-selected={i === at}
              class={i === at ? "is-chosen" : ""}
              onClick={() => onChoose(one.id)}
            >
              <span class="result-name">{one.label ?? one.name}</span>
              <span class="muted">{one.path.slice(0, -1).join(" › ") || "top level"}</span>
            </li>
          ))}
      </ul>
    </search>
  );
}

function told(count: number): string {
  if (!count) return "No category has these words. Try fewer or shorter ones.";
  return count === 100 ? "The 100 that fit best." : `${count} found.`;
}

/** The key `/` goes to the box, as on many sites. */
function slashFocuses(box: { current: HTMLInputElement | null }) {
  const listen = (event: KeyboardEvent) => {
    const typing = (event.target as Element | null)?.closest?.("input, textarea, select, [contenteditable]");
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing) return;
    event.preventDefault();
    box.current?.focus();
  };
  document.addEventListener("keydown", listen);
  return () => document.removeEventListener("keydown", listen);
}
