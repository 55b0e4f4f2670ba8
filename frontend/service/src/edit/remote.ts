// The service's `/v1/edit`: what goes out and what comes back.
import { api } from "../shell/api";

const TOKEN = "textaxa-admin";

/** The admin token, where the service asks for one; kept as long as the tab is open. */
export const token = {
  get: () => sessionStorage.getItem(TOKEN),
  set: (value: string) => sessionStorage.setItem(TOKEN, value),
};

function headers(): { headers: Record<string, string> } {
  const known = token.get();
  return { headers: known === null ? {} : { "X-Admin-Token": known } };
}

const get = <T>(path: string, model: string) => api.get<T>(path, { model }, headers());
const post = <T>(path: string, body: unknown) => api.post<T>(path, body, headers());

export type Path = string[];

export type Edit =
  | { edit: "add"; path: Path; description?: string; position?: number }
  | { edit: "rename"; path: Path; name: string }
  | { edit: "describe"; path: Path; description: string }
  | { edit: "move"; path: Path; to: Path; position?: number }
  | { edit: "merge"; paths: Path[]; into: Path }
  | { edit: "split"; path: Path; into: { name: string; description?: string }[]; to: "children" | "siblings" }
  | { edit: "remove"; path: Path; children?: "remove" | "lift" }
  | { edit: "terminal"; path: Path; terminal: boolean };

/** A node of the edited taxonomy. `key` stays the same from edit to edit, `id` does not. */
export interface EditNode {
  id: number;
  key: number;
  name: string;
  parent: number | null;
  depth: number;
  terminal: boolean;
  children: number;
  description: string;
  changed: string[];
  was?: Path[];
  code?: string;
  parents?: number[];
}

export interface Draft {
  model: string;
  version: string;
  revision: number;
  edits: Edit[];
  sentences: string[];
  redo: number;
  nodes: EditNode[];
  total: number;
  editable: boolean;
}

export interface Preview {
  revision: number;
  counts: Record<string, number>;
  rows: [string, string, string][];
  nodes: Record<string, number>;
  texts: number | null;
  void: string[];
  words: string[];
}

/** An answer, as `/v1/classify` gives it; several paths have no `path` of their own. */
export interface Row {
  path?: string | null;
  probability?: number | null;
  stopped?: string | null;
  paths?: { path: string; probability: number }[];
}

export interface Tried {
  revision: number;
  answers: { old: Row; new: Row }[];
}

export interface Saved {
  name: string;
  folder: string;
  taxonomy: string;
  /** What does not hold any more, and what could not be carried over. */
  void: string[];
  notes: string[];
  switched: boolean;
  version: string | null;
}

export interface Version {
  name: string;
  folder: string;
  before: string;
  created: string;
  edits: number;
  sentences: string[];
}

export const read = (model: string) => get<Draft>("v1/edit", model);
export const append = (model: string, revision: number, edit: Edit) =>
  post<Draft>("v1/edit", { model, revision, edit });
export const step = (model: string, revision: number, which: "undo" | "redo" | "discard") =>
  post<Draft>(`v1/edit/${which}`, { model, revision });
export const preview = (model: string) => post<Preview>("v1/edit/preview", { model });
export const tryTexts = (model: string, texts: string[]) => post<Tried>("v1/edit/try", { model, texts });
export const save = (model: string, revision: number, name: string | null, change: boolean) =>
  api.post<Saved>("v1/edit/save", { model, revision, name, switch: change });
export const history = (model: string) => get<{ versions: Version[] }>("v1/edit/history", model);
