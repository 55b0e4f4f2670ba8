// Questions before an edit: a new category, its parts, where to, what to do with what lies below.
import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { EditNode } from "./remote";
import * as state from "./state";
import { Target } from "./target";
import { told } from "./tree_model";
import { focusTree } from "./tree_pane";

export function Dialogs() {
  const which = state.dialog.value;
  const node = state.node.value;
  if (which === null) return null;
  if (which === "discard") return <Discard />;
  if (which === "add") return <Add under={node?.key ?? null} />;
  if (!node) return which === "sibling" ? <Add under={null} /> : null;
  if (which === "sibling") return <Add under={state.tree.value.parentOf(node.key)} />;
  if (which === "split") return <Split node={node} />;
  if (which === "remove") return <Remove node={node} />;
  return <Where node={node} what={which} />;
}

function close() {
  state.dialog.value = null;
  state.refused.value = "";
  focusTree();
}

interface FrameProps {
  title: string;
  act: string;
  onAct(): Promise<boolean> | boolean;
  danger?: boolean;
  children: ComponentChildren;
}

/** A native modal dialog: it keeps the focus and gives it back, and Escape closes it. */
function Frame({ title, act, onAct, danger, children }: FrameProps) {
  const box = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    box.current?.showModal();
    return () => box.current?.close();
  }, []);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (await onAct()) close();
  };
  return (
    <dialog
      ref={box}
      class="edit-dialog"
      aria-labelledby={id}
      onCancel={(event) => (event.preventDefault(), close())}
      // A search box would keep the key for itself, to clear its words.
      onKeyDown={(event) => event.key === "Escape" && (event.preventDefault(), close())}
    >
      <form onSubmit={submit}>
        <h2 id={id}>{title}</h2>
        {children}
        {state.refused.value && (
          <p class="problem" role="alert">
            {state.refused.value}
          </p>
        )}
        <div class="edit-buttons">
          <button type="button" class="quiet" onClick={close}>
            Cancel
          </button>
          <button type="submit" class={danger ? "primary edit-danger" : "primary"} disabled={state.busy.value}>
            {act}
          </button>
        </div>
      </form>
    </dialog>
  );
}

function Add({ under }: { under: number | null }) {
  const [name, setName] = useState("");
  const [about, setAbout] = useState("");
  const path = state.tree.value.path(under);
  const add = () => {
    if (!name.trim()) return refuse("The new category needs a name.");
    const description = about.trim();
    return state.send({ edit: "add", path: [...path, name], ...(description && { description }) }, [...path, name]);
  };
  return (
    <Frame title={under === null ? "New category at the top level" : "New category"} act="Add" onAct={add}>
      {under !== null && <p class="muted">Below {told(path)}</p>}
      <Field label="Name" value={name} onInput={setName} first />
      <Area label="What belongs there" value={about} onInput={setAbout} hint="A sentence or two. The model reads it." />
    </Frame>
  );
}

function Split({ node }: { node: EditNode }) {
  const [parts, setParts] = useState("");
  const [to, setTo] = useState<"children" | "siblings">("children");
  const into = parts
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean)
    .map(partOf);
  const split = () => {
    if (into.length < 2) return refuse("Name two new categories or more, each on a line of its own.");
    const path = state.tree.value.path(node.key);
    const first = [...(to === "children" ? path : path.slice(0, -1)), into[0]!.name];
    return state.send({ edit: "split", path, into, to }, first);
  };
  return (
    <Frame title={`Split “${node.name}”`} act="Split" onAct={split}>
      <Area
        label="New categories, one a line"
        value={parts}
        onInput={setParts}
        hint="After a colon, what belongs there. For example – Board games: chess, draughts"
        first
      />
      <fieldset>
        <legend>Where</legend>
        <Choice name="to" checked={to === "children"} onChoose={() => setTo("children")}>
          Below “{node.name}”, which stays
        </Choice>
        <Choice name="to" checked={to === "siblings"} disabled={node.children > 0} onChoose={() => setTo("siblings")}>
          In its place{node.children > 0 && " (not possible: it has categories below it)"}
        </Choice>
      </fieldset>
    </Frame>
  );
}

function partOf(line: string) {
  const at = line.indexOf(": ");
  return at < 1 ? { name: line } : { name: line.slice(0, at).trim(), description: line.slice(at + 2).trim() };
}

function Remove({ node }: { node: EditNode }) {
  const [children, setChildren] = useState<"remove" | "lift">("remove");
  const path = state.tree.value.path(node.key);
  const next = state.tree.value.neighbour(node.key);
  const remove = () => state.send({ edit: "remove", path, children }, next);
  return (
    <Frame title={`Remove “${node.name}”?`} act="Remove" onAct={remove} danger>
      <p>
        {path.length > 1
          ? `Texts that belonged here go to ${told(path.slice(0, -1))}.`
          : "Texts that belonged here have no category any more."}
      </p>
      {node.children > 0 && (
        <fieldset>
          <legend>Categories below it ({node.children.toLocaleString("en")})</legend>
          <Choice name="below" checked={children === "remove"} onChoose={() => setChildren("remove")}>
            are removed, too
          </Choice>
          <Choice name="below" checked={children === "lift"} onChoose={() => setChildren("lift")}>
            go up to its place
          </Choice>
        </fieldset>
      )}
    </Frame>
  );
}

function Where({ node, what }: { node: EditNode; what: "merge" | "move" }) {
  const [target, setTarget] = useState<number | null | undefined>(undefined);
  const act = () => {
    if (target === undefined) return refuse("Choose a category from the list.");
    if (what === "move") return state.moveBelow(node.key, target);
    return target === null ? false : state.mergeInto(node.key, target);
  };
  const title = what === "move" ? `Move “${node.name}” below …` : `Merge “${node.name}” into …`;
  return (
    <Frame title={title} act={what === "move" ? "Move" : "Merge"} onAct={act}>
      {what === "merge" && (
        <p class="muted">
          “{node.name}” is gone then. The other one gets its texts and what lies below it; categories of the same name are
          merged, too.
        </p>
      )}
      <Target without={node.key} top={what === "move"} chosen={target} onChoose={setTarget} />
    </Frame>
  );
}

function Discard() {
  const act = async () => (await state.step("discard"), true);
  return (
    <Frame title="Start over?" act="Start over" onAct={act} danger>
      <p>The draft becomes empty. What was in it is kept in a file beside the model.</p>
    </Frame>
  );
}

function refuse(message: string): false {
  state.tell(message);
  return false;
}

interface FieldProps {
  label: string;
  value: string;
  onInput(value: string): void;
  hint?: string;
  first?: boolean;
}

function Field({ label, value, onInput, first }: FieldProps) {
  const box = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => void (first && box.current?.focus()), []);
  return (
    <label class="edit-field">
      <span>{label}</span>
      <input ref={box} value={value} maxLength={1000} onInput={(event) => onInput(event.currentTarget.value)} />
    </label>
  );
}

function Area({ label, value, onInput, hint, first }: FieldProps) {
  const box = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  useLayoutEffect(() => void (first && box.current?.focus()), []);
  return (
    <div class="edit-field">
      <label for={id}>{label}</label>
      <textarea
        id={id}
        ref={box}
        rows={4}
        maxLength={20000}
        aria-describedby={hint && `${id}-hint`}
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      {hint && (
        <small id={`${id}-hint`} class="muted">
          {hint}
        </small>
      )}
    </div>
  );
}

interface ChoiceProps {
  name: string;
  checked: boolean;
  disabled?: boolean;
  onChoose(): void;
  children: ComponentChildren;
}

function Choice({ name, checked, disabled, onChoose, children }: ChoiceProps) {
  return (
    <label class="edit-choice">
      <input type="radio" name={name} checked={checked} disabled={disabled} onChange={onChoose} />
      <span>{children}</span>
    </label>
  );
}
