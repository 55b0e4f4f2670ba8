// Texts tried at once: the answer as it is and as it would be, side by side.
import { useId } from "preact/hooks";
import { signal } from "@preact/signals";
import { type Row, type Tried, tryTexts } from "./remote";
import * as state from "./state";

const MOST = 20;

const text = signal("");
const asked = signal<{ texts: string[]; tried: Tried } | null>(null);
const waiting = signal(false);
const trouble = signal("");

async function ask() {
  const draft = state.draft.value;
  const texts = text.value
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean)
    .slice(0, MOST);
  if (!draft || !texts.length || waiting.value) return;
  waiting.value = true;
  trouble.value = "";
  try {
    asked.value = { texts, tried: await tryTexts(draft.model, texts) };
  } catch (error) {
    trouble.value = state.messageOf(error);
  } finally {
    waiting.value = false;
  }
}

export function Trial() {
  const id = useId();
  const found = asked.value;
  const old = found !== null && found.tried.revision !== state.draft.value?.revision;
  return (
    <>
      <form
        class="edit-field"
        onSubmit={(event) => {
          event.preventDefault();
          void ask();
        }}
      >
        <label for={id}>Texts, one a line (up to {MOST})</label>
        <textarea
          id={id}
          rows={4}
          value={text.value}
          onInput={(event) => (text.value = event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void ask();
          }}
        />
        <button type="submit" class="primary" disabled={waiting.value || !text.value.trim()}>
          {waiting.value ? "Trying …" : "Try"}
        </button>
      </form>
      <p class="sr-only" role="status">
        {waiting.value ? "Trying" : found ? `${found.texts.length} answered` : ""}
      </p>
      {waiting.value && <p class="muted">The first try takes a few seconds: the model is carried over to the new categories.</p>}
      {trouble.value && (
        <p class="problem" role="alert">
          {trouble.value}
        </p>
      )}
      {old && <p class="muted">The draft has changed since. Try again to see its answers.</p>}
      {found && <Answers texts={found.texts} tried={found.tried} />}
    </>
  );
}

function Answers({ texts, tried }: { texts: string[]; tried: Tried }) {
  return (
    <div class="edit-table" role="region" aria-label="Answers" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">Text</th>
            <th scope="col">Now</th>
            <th scope="col">With the changes</th>
          </tr>
        </thead>
        <tbody>
          {texts.map((one, i) => {
            const { old, new: fresh } = tried.answers[i]!;
            return (
              <tr key={i} class={pathsOf(old) === pathsOf(fresh) ? "" : "is-changed"}>
                <td>{one}</td>
                <Cell row={old} />
                <Cell row={fresh} />
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

const pathsOf = (row: Row) => (row.paths ?? []).map((one) => one.path).join("\n");

function Cell({ row }: { row: Row }) {
  const paths = row.paths ?? [];
  return (
    <td>
      {paths.map((one) => (
        <div key={one.path}>
          {one.path} <small class="muted">{Math.round(one.probability * 100)} %</small>
        </div>
      ))}
      {!paths.length && <span class="muted">{row.stopped ?? "no category"}</span>}
    </td>
  );
}
