// Edit: the tree at one side; the chosen category, the edits, what they mean, a trial and saving at the other.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { model, refresh } from "../shell/model";
import { Dialogs } from "./dialogs";
import { NodePanel } from "./node_panel";
import { Outlook } from "./outlook";
import { Saving } from "./saving";
import { token } from "./remote";
import * as state from "./state";
import { TreePane } from "./tree_pane";
import { Trial } from "./trial";

const TABS = { node: "Category", edits: "Edits", outlook: "What changes", trial: "Try", saving: "Save" } as const;
type Tab = keyof typeof TABS;
const NAMES = Object.keys(TABS) as Tab[];

const tab = signal<Tab>("node");

export function EditView() {
  const name = model.value?.name;
  useEffect(() => {
    if (name !== undefined) void state.look(name);
  }, [name]);
  if (name === undefined) return <p>Waiting for the service …</p>;
  const trouble = state.trouble.value;
  if (trouble) return <Trouble name={name} code={trouble.code} message={trouble.message} />;
  if (!state.draft.value) return <p class="muted">Loading the draft …</p>;
  return (
    <div class="edit">
      <h1 class="sr-only">Edit the categories</h1>
      <div class="edit-side">
        <Bar />
        {!state.draft.value.editable && <OtherVersion />}
        <TreePane />
      </div>
      <div class="edit-main">
        <Tabs />
        <div
          id="edit-panel"
          class="edit-panel"
          role="tabpanel"
          tabIndex={0}
          aria-labelledby={`edit-tab-${tab.value}`}
        >
          <Panel />
        </div>
      </div>
      <Dialogs />
    </div>
  );
}

function Panel() {
  if (tab.value === "node") return <NodePanel />;
  if (tab.value === "edits") return <Edits />;
  if (tab.value === "outlook") return <Outlook />;
  if (tab.value === "trial") return <Trial />;
  return <Saving onSwitched={() => void refresh()} />;
}

function Bar() {
  const draft = state.draft.value!;
  const count = draft.edits.length;
  return (
    <div class="edit-bar" role="toolbar" aria-label="Draft">
      <button type="button" onClick={() => state.step("undo")} disabled={!state.editable.value || !count}>
        Undo
      </button>
      <button type="button" onClick={() => state.step("redo")} disabled={!state.editable.value || !draft.redo}>
        Redo
      </button>
      <button
        type="button"
        onClick={() => {
          state.selected.value = null;
          state.dialog.value = "add";
        }}
        disabled={!state.editable.value}
      >
        New at the top
      </button>
      <span class="muted" role="status">
        {count === 0 ? "No edits yet" : count === 1 ? "1 edit" : `${count.toLocaleString("en")} edits`}
      </span>
    </div>
  );
}

function OtherVersion() {
  return (
    <div class="problem" role="alert">
      <p>The draft is about another version of this model than the one that is served now, so its edits are not shown.</p>
      <button type="button" onClick={() => (state.dialog.value = "discard")}>
        Start over
      </button>
    </div>
  );
}

function Tabs() {
  const onKeyDown = (event: KeyboardEvent) => {
    const at = NAMES.indexOf(tab.value);
    const steps: Record<string, number> = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: NAMES.length - 1 };
    const to = steps[event.key];
    if (to === undefined) return;
    event.preventDefault();
    tab.value = NAMES[(to + NAMES.length) % NAMES.length]!;
    document.getElementById(`edit-tab-${tab.value}`)?.focus();
  };
  return (
    <div class="edit-tabs" role="tablist" aria-label="Parts of editing" onKeyDown={onKeyDown}>
      {NAMES.map((name) => (
        <button
          key={name}
          id={`edit-tab-${name}`}
          type="button"
          role="tab"
          aria-selected={tab.value === name}
          aria-controls="edit-panel"
          tabIndex={tab.value === name ? 0 : -1}
          onClick={() => (tab.value = name)}
        >
          {TABS[name]}
        </button>
      ))}
    </div>
  );
}

function Edits() {
  const draft = state.draft.value!;
  if (!draft.sentences.length) return <p class="muted">No edits yet.</p>;
  return (
    <>
      <ol class="edit-list">
        {draft.sentences.map((sentence, i) => (
          <li key={i}>{sentence}</li>
        ))}
      </ol>
      <button type="button" disabled={!state.editable.value} onClick={() => (state.dialog.value = "discard")}>
        Start over …
      </button>
    </>
  );
}

function Trouble({ name, code, message }: { name: string; code: string; message: string }) {
  return (
    <div class="problem" role="alert">
      <p>{message}</p>
      {code === "forbidden" ? (
        <Token name={name} />
      ) : (
        <button type="button" onClick={() => void state.look(name)}>
          Try again
        </button>
      )}
    </div>
  );
}

/** The admin token, which editing needs where one is set. */
function Token({ name }: { name: string }) {
  return (
    <form
      class="edit-field"
      onSubmit={(event) => {
        event.preventDefault();
        token.set(new FormData(event.currentTarget).get("token")?.toString().trim() ?? "");
        void state.look(name);
      }}
    >
      <label for="edit-token">Admin token</label>
      <input id="edit-token" name="token" type="password" autocomplete="off" required />
      <button type="submit" class="primary">
        Go on
      </button>
    </form>
  );
}
