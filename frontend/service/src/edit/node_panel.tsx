// The chosen category: its place, its description, and everything that can be done with it.
import { useEffect, useId, useState } from "preact/hooks";
import type { EditNode } from "./remote";
import * as state from "./state";
import { noteOf, told } from "./tree_model";
import { focusTree, startRename, takeUp } from "./tree_pane";

export function NodePanel() {
  const node = state.node.value;
  if (!node) return <Hint />;
  const path = state.tree.value.path(node.key);
  return (
    <section class="edit-node" aria-labelledby="edit-node-name">
      <p class="muted">{told(path.slice(0, -1)) || "Top level"}</p>
      <h2 id="edit-node-name">{node.name}</h2>
      {node.changed.length > 0 && <Changed node={node} path={path} />}
      <Description key={node.key} node={node} path={path} />
      <Ends node={node} path={path} />
      <Actions node={node} />
    </section>
  );
}

function Changed({ node, path }: { node: EditNode; path: string[] }) {
  const was = (node.was ?? []).map(told).filter((one) => one !== told(path));
  return (
    <p>
      <span class="chip">{noteOf(node)}</span>
      {was.length > 0 && <span class="muted"> was {was.join(" and ")}</span>}
    </p>
  );
}

function Description({ node, path }: { node: EditNode; path: string[] }) {
  const id = useId();
  const [text, setText] = useState(node.description);
  useEffect(() => setText(node.description), [node.description]);
  const other = text !== node.description;
  const keep = async () => {
    if (other) await state.send({ edit: "describe", path, description: text.trim() }, node.key);
  };
  return (
    <form
      class="edit-field"
      onSubmit={(event) => {
        event.preventDefault();
        void keep();
      }}
    >
      <label for={id}>What belongs here</label>
      <textarea
        id={id}
        rows={4}
        maxLength={20000}
        value={text}
        disabled={!state.draft.value?.editable}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void keep();
          if (event.key === "Escape") {
            setText(node.description);
            focusTree();
          }
        }}
      />
      <button type="submit" disabled={!other || !state.editable.value}>
        Keep description
      </button>
    </form>
  );
}

function Ends({ node, path }: { node: EditNode; path: string[] }) {
  if (!node.children) return null;
  return (
    <label class="edit-choice">
      <input
        type="checkbox"
        checked={node.terminal}
        disabled={!state.editable.value}
        onChange={(event) => void state.send({ edit: "terminal", path, terminal: event.currentTarget.checked }, node.key)}
      />
      <span>Texts may end here, and not only further below</span>
    </label>
  );
}

function Actions({ node }: { node: EditNode }) {
  const free = state.editable.value;
  const open = (which: state.Dialog) => () => (state.dialog.value = which);
  const Button = (props: { name: string; keys: string; act(): void }) => (
    <button type="button" disabled={!free} onClick={props.act} aria-keyshortcuts={props.keys.replace("Ctrl", "Control")}>
      {props.name} <kbd aria-hidden="true">{props.keys}</kbd>
    </button>
  );
  return (
    <div class="edit-actions" role="group" aria-label={`Change ${node.name}`}>
      <Button name="Rename" keys="F2" act={() => startRename(node.key)} />
      <Button name="Add below" keys="Insert" act={open("add")} />
      <Button name="Add beside" keys="Ctrl+Enter" act={open("sibling")} />
      <Button name="Take up" keys="Ctrl+X" act={() => (takeUp(node.key), focusTree())} />
      <button type="button" disabled={!free} onClick={open("move")}>
        Move below …
      </button>
      <Button name="Merge into …" keys="Ctrl+M" act={open("merge")} />
      <button type="button" disabled={!free} onClick={open("split")}>
        Split …
      </button>
      <Button name="Remove …" keys="Delete" act={open("remove")} />
    </div>
  );
}

function Hint() {
  return (
    <section class="edit-node">
      <h2>Change the categories</h2>
      <p>Choose a category in the tree. Nothing changes for the service until you save a new version.</p>
      <p class="muted">
        Keys: <kbd>F2</kbd> rename, <kbd>Insert</kbd> add below, <kbd>Ctrl+Enter</kbd> add beside, <kbd>Delete</kbd> remove,{" "}
        <kbd>Ctrl+X</kbd> then <kbd>Ctrl+V</kbd> move, <kbd>Ctrl+M</kbd> merge, <kbd>Alt+↑</kbd> <kbd>Alt+↓</kbd> order,{" "}
        <kbd>Ctrl+Z</kbd> undo, <kbd>Ctrl+Y</kbd> redo. Or drag a category onto another one.
      </p>
      <button type="button" disabled={!state.editable.value} onClick={() => (state.dialog.value = "add")}>
        New category at the top level
      </button>
    </section>
  );
}
