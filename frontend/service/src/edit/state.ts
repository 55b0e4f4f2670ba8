// The draft that is edited, where one is in it, and the ways to change it. It stays while one looks at other views.
import { batch, computed, signal } from "@preact/signals";
import { arrayRows, type TreeRow } from "../explore/rows";
import { ApiError } from "../shell/api";
import { toast } from "../shell/toast";
import * as remote from "./remote";
import { noteOf, Tree } from "./tree_model";

export type Dialog = "add" | "sibling" | "split" | "merge" | "move" | "remove" | "discard";

export const draft = signal<remote.Draft | null>(null);
export const trouble = signal<{ code: string; message: string } | null>(null);
export const busy = signal(false);
export const expanded = signal<ReadonlySet<number>>(new Set());
export const selected = signal<number | null>(null);
/** The node that was cut, and waits for a place. */
export const cut = signal<number | null>(null);
/** The node whose name is being typed over. */
export const renaming = signal<number | null>(null);
export const dialog = signal<Dialog | null>(null);
/** Why the last edit was refused, told inside the dialog that is open. */
export const refused = signal("");

export const tree = computed(() => new Tree(draft.value?.nodes ?? []));
export const rows = computed<TreeRow[]>(() => {
  const made = arrayRows(tree.value.plain(), expanded.value);
  return made.map((row) => {
    const note = noteOf(tree.value.byKey.get(row.id)!);
    return note ? { ...row, note } : row;
  });
});
export const node = computed(() => (selected.value === null ? null : (tree.value.byKey.get(selected.value) ?? null)));
export const editable = computed(() => draft.value?.editable === true && !busy.value);

/** Ask for the draft of a model; what is open and chosen stays where the model is the same. */
export async function look(model: string) {
  try {
    const found = await remote.read(model);
    const other = draft.value?.model !== model || draft.value.version !== found.version;
    batch(() => {
      trouble.value = null;
      if (other) {
        [selected.value, cut.value, renaming.value, dialog.value] = [null, null, null, null];
        expanded.value = new Set(found.nodes.length <= 200 ? found.nodes.map((one) => one.key) : []);
      }
      take(found);
    });
  } catch (error) {
    draft.value = null;
    trouble.value = { code: error instanceof ApiError ? error.code : "", message: messageOf(error) };
  }
}

function take(found: remote.Draft) {
  draft.value = found;
  if (selected.value !== null && !tree.value.byKey.has(selected.value)) selected.value = null;
  if (cut.value !== null && !tree.value.byKey.has(cut.value)) cut.value = null;
}

/** Tell a person something where they look: in the open dialog, which covers everything else. */
export function tell(message: string) {
  if (dialog.value === null) toast(message);
  else refused.value = message;
}

export const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** Do something to the draft; false where that is refused, and the person has been told. */
async function changed(ask: (now: remote.Draft) => Promise<remote.Draft>): Promise<boolean> {
  const now = draft.value;
  if (!now || busy.value) return false;
  busy.value = true;
  refused.value = "";
  try {
    const found = await ask(now);
    batch(() => take(found));
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.code === "stale_revision") {
      await look(now.model);
      tell("Someone else has changed the draft. It is shown as it is now; please edit again.");
    } else tell(messageOf(error));
    return false;
  } finally {
    busy.value = false;
  }
}

/** Append an edit; then choose the node at `then`, by its path or its key. */
export async function send(edit: remote.Edit, then?: remote.Path | number | null): Promise<boolean> {
  const done = await changed((now) => remote.append(now.model, now.revision, edit));
  if (done && then !== undefined) reveal(Array.isArray(then) ? tree.value.find(then) : then);
  return done;
}

export async function step(which: "undo" | "redo" | "discard") {
  const now = draft.value;
  if (!now) return;
  if (which === "undo" && !now.edits.length) return toast("There is nothing to undo.");
  if (which === "redo" && !now.redo) return toast("There is nothing to do again.");
  const sentence = which === "undo" ? now.sentences[now.sentences.length - 1] : undefined;
  if (!(await changed((at) => remote.step(at.model, at.revision, which)))) return;
  if (which === "undo") toast(`Undone: ${sentence}`);
  if (which === "redo") toast(`Done again: ${draft.value?.sentences[draft.value.sentences.length - 1]}`);
  if (which === "discard") toast("Started over. The old draft is kept in a file beside the model.");
}

/** Choose a node and open what lies above it. */
export function reveal(key: number | null) {
  if (key !== null && tree.value.byKey.has(key)) {
    expanded.value = new Set([...expanded.value, ...tree.value.ancestors(key)]);
    selected.value = key;
  } else selected.value = null;
}

export function toggle(row: TreeRow, open: boolean) {
  const next = new Set(expanded.value);
  if (open) next.add(row.id);
  else next.delete(row.id);
  expanded.value = next;
}

/** Put a node below another; null for the top level. */
export async function moveBelow(key: number, to: number | null) {
  const now = tree.value;
  const done = await send({ edit: "move", path: now.path(key), to: now.path(to) }, key);
  if (done) cut.value = null;
  return done;
}

export async function mergeInto(key: number, into: number) {
  const now = tree.value;
  const done = await send({ edit: "merge", paths: [now.path(key)], into: now.path(into) }, into);
  if (done) cut.value = null;
  return done;
}

export async function rename(key: number, name: string) {
  renaming.value = null;
  const now = tree.value.byKey.get(key);
  if (!now || now.name === name || !name.trim()) return;
  await send({ edit: "rename", path: tree.value.path(key), name }, key);
}

export async function nudge(key: number, by: -1 | 1) {
  const edit = tree.value.nudge(key, by);
  if (edit) await send(edit, key);
}
