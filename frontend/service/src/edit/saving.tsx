// A new version saved beside the old one, and the versions that were saved before.
import { useEffect, useId, useState } from "preact/hooks";
import { toast } from "../shell/toast";
import { history, type Saved, save, type Version } from "./remote";
import * as state from "./state";

export function Saving({ onSwitched }: { onSwitched(): void }) {
  const id = useId();
  const draft = state.draft.value;
  const [name, setName] = useState("");
  const [change, setChange] = useState(false);
  const [saved, setSaved] = useState<Saved | null>(null);
  const [trouble, setTrouble] = useState("");
  const [versions, setVersions] = useState<Version[]>([]);
  const model = draft?.model;
  useEffect(() => {
    if (model === undefined) return;
    history(model).then(
      (found) => setVersions(found.versions),
      () => setVersions([]),
    );
  }, [model, saved]);
  if (!draft) return null;

  const act = async () => {
    state.busy.value = true;
    setTrouble("");
    try {
      const found = await save(draft.model, draft.revision, name.trim() || null, change);
      setSaved(found);
      setName("");
      toast(`Saved: ${found.name}`);
      if (found.switched) onSwitched();
      await state.look(draft.model);
    } catch (error) {
      setTrouble(state.messageOf(error));
    } finally {
      state.busy.value = false;
    }
  };
  return (
    <>
      <form
        class="edit-field"
        onSubmit={(event) => {
          event.preventDefault();
          void act();
        }}
      >
        <label for={id}>Name of the new version (empty: the next number)</label>
        <input id={id} value={name} maxLength={80} onInput={(event) => setName(event.currentTarget.value)} />
        <label class="edit-choice">
          <input type="checkbox" checked={change} onChange={(event) => setChange(event.currentTarget.checked)} />
          <span>Let the service answer with it from now on</span>
        </label>
        <button type="submit" class="primary" disabled={!state.editable.value || !draft.edits.length}>
          {state.busy.value ? "Saving …" : "Save as a new version"}
        </button>
      </form>
      <p class="muted">The model as it is stays where it is.</p>
      {trouble && (
        <p class="problem" role="alert">
          {trouble}
        </p>
      )}
      {saved && <Told saved={saved} />}
      {versions.length > 0 && <Versions versions={versions} />}
    </>
  );
}

function Told({ saved }: { saved: Saved }) {
  return (
    <div role="status">
      <p>
        Saved as <strong>{saved.name}</strong> in <code>{saved.folder}</code>.{" "}
        {saved.switched ? "The service answers with it now." : "The service goes on with the old one."}
      </p>
      {saved.void.length + saved.notes.length > 0 && (
        <ul class="edit-void">
          {[...saved.void, ...saved.notes].map((sentence) => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
      )}
      <p class="muted">
        After a restart: <code>textaxa serve {saved.folder}</code>
      </p>
    </div>
  );
}

function Versions({ versions }: { versions: Version[] }) {
  return (
    <>
      <h3>Versions saved here</h3>
      <ul class="edit-versions">
        {versions.map((one) => (
          <li key={one.created + one.name}>
            <details>
              <summary>
                {one.name} <span class="muted">{new Date(one.created).toLocaleString()}</span>
              </summary>
              <ol>
                {one.sentences.map((sentence, i) => (
                  <li key={i}>{sentence}</li>
                ))}
              </ol>
            </details>
          </li>
        ))}
      </ul>
    </>
  );
}
