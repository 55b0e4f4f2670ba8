// Keys: a letter presses the button that carries it, as long as nobody is typing; what there is, is told by `?`.
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

const PLACE = "textaxa-keys";
/** Speech input and unsteady hands may press letters that are not meant; they can be switched off. */
export const letters = signal(localStorage.getItem(PLACE) !== "off");
export const help = signal(false);

function set(on: boolean) {
  letters.value = on;
  localStorage.setItem(PLACE, on ? "on" : "off");
}

/** Listen as long as the part is open. */
export function useKeys() {
  useEffect(() => {
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
}

function pressed(event: KeyboardEvent) {
  if (event.defaultPrevented || event.altKey || event.metaKey || event.isComposing) return;
  const place = event.target as HTMLElement;
  if (place.id === "text") {
    if (event.key === "Escape" || (event.key === "Enter" && event.ctrlKey)) {
      event.preventDefault();
      document.getElementById("answer-name")?.focus();
    }
    return;
  }
  if (event.ctrlKey || !letters.value || document.querySelector("dialog[open]")) return;
  if (place.closest("input:not([type=range], [type=checkbox]), textarea, select, [role=tree]")) return;
  if (event.key === "?") help.value = true;
  else if (event.key === "/" || event.key === "t") document.getElementById("text")?.focus();
  else {
    const button = document.querySelector<HTMLElement>(`[data-key="${CSS.escape(event.key)}"]`);
    if (!button || (button as HTMLButtonElement).disabled) return;
    button.click();
  }
  event.preventDefault();
}

const KEYS: [string, string][] = [
  ["Esc", "from the text to the answer"],
  ["t", "back to the text"],
  ["y", "the answer is right"],
  ["c", "correct it: type some letters of the category, Enter sends"],
  ["1 – 5", "that other category is right"],
  ["w", "show the words that argued for it"],
  ["?", "this list"],
];

export function Help() {
  const box = useRef<HTMLDialogElement>(null);
  const open = help.value;
  useEffect(() => {
    if (open) box.current?.showModal();
  }, [open]);
  if (!open) return null;
  return (
    <dialog ref={box} class="help" aria-labelledby="help-name" onClose={() => (help.value = false)}>
      <h2 id="help-name">Keys</h2>
      <dl>
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p>
        <label>
          <input type="checkbox" checked={letters.value} onChange={(event) => set(event.currentTarget.checked)} /> Single letters are keys
        </label>
      </p>
      <p class="actions">
        <button type="button" class="primary" onClick={() => box.current?.close()}>
          Close
        </button>
      </p>
    </dialog>
  );
}
