// What Try asks the service.
import { api, type ModelLine } from "../shell/api";

export interface Level {
  name: string;
  probability: number;
  label?: string | null;
}

export interface Path {
  path: string;
  probability: number;
  levels: Level[];
}

/** A row of `/v1/classify`. With several paths a text there is no `path`, `depth` and `stopped`. */
export interface Row {
  path?: string | null;
  probability?: number | null;
  depth?: number | null;
  stopped?: string | null;
  because?: string | null;
  paths: Path[];
}

export interface Promised {
  accuracy: number;
  confidence: number;
  text: string;
}

interface Classified {
  version: string;
  answers: Row[];
  promise: Promised | null;
  nodes?: [number, number][][] | null;
}

/** An answer, what else it could be, and the most probable nodes. */
export interface Answer {
  text: string;
  model: ModelLine;
  version: string;
  row: Row;
  promise: Promised | null;
  /** The most probable paths, most probable first; those of the answer where there are several a text. */
  likely: Path[];
  nodes: [number, number][];
}

export interface Explained {
  path: string[];
  levels: { name: string; path: string[]; probability: number; kind: string; against: string[] | null }[];
  words: { text: string; start: number; end: number; levels: number[] }[];
}

/** As many paths light up the picture of the taxonomy, and as many nodes its tree. */
const LIT_PATHS = 24;
const LIT_NODES = 400;

/** Ask for the answer to a text; a promised one and the runners-up are two questions, computed together. */
export async function classify(model: ModelLine, text: string, accuracy: number | null, signal: AbortSignal): Promise<Answer> {
  const several = model.task === "multi";
  const ask = (how: object) => api.post<Classified>("v1/classify", { model: model.name, text, ...how }, { signal });
  const top = several ? 1 : Math.min(LIT_PATHS, model.terminals);
  const nodes = model.searches ? 0 : Math.min(LIT_NODES, model.nodes);
  const [plain, promised] = await Promise.all([ask({ top, nodes }), accuracy === null ? null : ask({ accuracy })]);
  const likely = plain.answers[0]!.paths;
  const row = promised?.answers[0] ?? { ...plain.answers[0]!, paths: several ? likely : likely.slice(0, 1) };
  return { text, model, version: plain.version, row, promise: promised?.promise ?? null, likely, nodes: plain.nodes?.[0] ?? [] };
}

export function explain(model: ModelLine, text: string, path: string[], signal: AbortSignal): Promise<Explained> {
  return api.post<Explained>("v1/explain", { model: model.name, text, path }, { signal });
}

export interface Correction {
  text: string;
  paths: string[][];
  predicted: string[];
  probability: number | null;
}

export async function correct(model: ModelLine, { text, paths, predicted, probability }: Correction): Promise<void> {
  const said = model.task === "multi" ? { paths } : { path: paths[0] };
  const known = predicted.length ? { predicted, ...(probability === null ? {} : { probability: Math.min(1, probability) }) } : {};
  await api.post("v1/feedback", { model: model.name, text, ...said, ...known });
}

export const namesOf = (path: Path | undefined) => path?.levels.map((level) => level.name) ?? [];
export const labelsOf = (path: Path) => path.levels.map((level) => level.label ?? level.name);
