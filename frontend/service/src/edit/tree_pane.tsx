// The tree that is edited: names typed over in place, keys for everything, drag and drop.
import { useLayoutEffect, useRef } from "preact/hooks";
import { Tree, type TreeRow } from "../explore/tree";
import { toast } from "../shell/toast";
import * as state from "./state";

export function focusTree() {
  // After the list is drawn anew; without it the keys of the person would go nowhere.
  window.setTimeout(() => document.querySelector<HTMLElement>(".edit-tree .tree")?.focus(), 0);
}

export function TreePane() {
  const chosen = state.selected.value;
  return (
    <div class="edit-tree">
      <Tree
        rows={state.rows.value}
        label="Categories, as they will be"
        selected={chosen === null ? null : String(chosen)}
        onSelect={(row) => (state.selected.value = row.id)}
        onToggle={state.toggle}
        onActivate={(row) => startRename(row.id)}
        onKey={onKey}
        renderName={(row) => (state.renaming.value === row.id ? <NameBox row={row} /> : <Name row={row} />)}
        draggable={state.editable.value && state.renaming.value === null}
        canDrop={(dragged, target) => !state.tree.value.isUnder(target.id, dragged.id)}
        onDrop={(dragged, target) => void state.moveBelow(dragged.id, target.id)}
      />
    </div>
  );
}

function Name({ row }: { row: TreeRow }) {
  const node = state.tree.value.byKey.get(row.id);
  const how = node?.changed.length ? " is-changed" : "";
  return <span class={`edit-name${how}${state.cut.value === row.id ? " is-cut" : ""}`}>{row.name}</span>;
}

/** A box over the name. Its keys are its own: the tree must not walk while one types. */
function NameBox({ row }: { row: TreeRow }) {
  const box = useRef<HTMLInputElement>(null);
  const over = useRef(false);
  // Before the next key: who presses F2 types on at once.
  useLayoutEffect(() => {
    box.current?.focus();
    box.current?.select();
  }, []);
  const end = (name: string | null) => {
    if (over.current) return;
    over.current = true;
    state.renaming.value = null;
    if (name !== null && !name.trim()) toast("A category needs a name.");
    else if (name !== null) void state.rename(row.id, name);
    focusTree();
  };
  return (
    <input
      ref={box}
      class="edit-namebox"
      aria-label={`New name of ${row.name}`}
      value={row.name}
      maxLength={1000}
      spellcheck={true}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Enter") end(event.currentTarget.value);
        else if (event.key === "Escape") end(null);
        else return;
        event.preventDefault();
      }}
      onBlur={(event) => end(event.currentTarget.value)}
      onClick={(event) => event.stopPropagation()}
      onDblClick={(event) => event.stopPropagation()}
    />
  );
}

export function startRename(key: number) {
  if (!state.editable.value) return;
  state.selected.value = key;
  state.renaming.value = key;
}

/** Deal with a key of ours; true where it was one. */
function onKey(event: KeyboardEvent, row: TreeRow): boolean {
  const control = event.ctrlKey || event.metaKey;
  const name = `${control ? "Ctrl+" : ""}${event.altKey ? "Alt+" : ""}${event.shiftKey ? "Shift+" : ""}${event.key.length === 1 ? event.key.toLowerCase() : event.key}`;
  const act = KEYS[name];
  if (!act) return false;
  if (state.editable.value) act(row.id);
  return true;
}

const open = (which: state.Dialog) => () => (state.dialog.value = which);

const KEYS: Record<string, (key: number) => unknown> = {
  F2: startRename,
  Insert: open("add"),
  "Ctrl+Enter": open("sibling"),
  Delete: open("remove"),
  "Ctrl+x": takeUp,
  "Ctrl+v": (key) => place(key, state.moveBelow),
  "Ctrl+m": (key) => (state.cut.value === null ? open("merge")() : place(key, state.mergeInto)),
  "Ctrl+z": () => void state.step("undo"),
  "Ctrl+y": () => void state.step("redo"),
  "Ctrl+Shift+z": () => void state.step("redo"),
  "Alt+ArrowUp": (key) => void state.nudge(key, -1),
  "Alt+ArrowDown": (key) => void state.nudge(key, 1),
  Escape: () => (state.cut.value = null),
};

export function takeUp(key: number) {
  state.cut.value = key;
  toast(`“${state.tree.value.byKey.get(key)?.name}” is taken up. Ctrl+V puts it below another category, Ctrl+M merges it into one.`);
}

function place(key: number, act: (from: number, to: number) => Promise<boolean>) {
  const from = state.cut.value;
  if (from === null) toast("Take up a category first: Ctrl+X.");
  else if (from === key) toast("That is the same category. Choose another one.");
  else void act(from, key);
}
