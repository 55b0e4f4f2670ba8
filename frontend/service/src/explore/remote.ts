// What Explore asks the service.
import { api } from "../shell/api";
import type { Below, Line } from "./branches";

export interface NodeFacts {
  n: number;
  predicted: number;
  precision: number | null;
  recall: number | null;
  f1: number | null;
  confusions: { id: number; path: string[]; count: number }[];
  examples: { text: string; path: string[]; probability: number; right: boolean }[];
}

export interface NodeTold {
  id: number;
  path: string[];
  labels?: string[] | null;
  name: string;
  label?: string | null;
  description: string;
  code: string | null;
  parents: number[];
  children: number[];
  depth: number;
  terminal: boolean;
  texts: number | null;
  facts: NodeFacts | null;
  facts_state: "none" | "waiting" | "computing" | "ready" | "failed";
  facts_share: number;
}

export interface FoundNode {
  id: number;
  name: string;
  label?: string | null;
  path: string[];
  depth: number;
  terminal: boolean;
}

/** As many children as the service tells at once. */
const MOST = 20_000;
const MOST_FOUND = 100;

export async function children(model: string, under: number | null): Promise<Below> {
  const place = under === null ? {} : { under };
  const told = await api.get<{ nodes: Line[]; total: number }>("v1/taxonomy", { model, depth: 1, limit: MOST, ...place });
  return { nodes: told.nodes, total: told.total };
}

export function node(model: string, id: number): Promise<NodeTold> {
  return api.get<NodeTold>(`v1/taxonomy/node/${id}`, { model });
}

export async function search(model: string, words: string): Promise<FoundNode[]> {
  const told = await api.get<{ nodes: FoundNode[] }>("v1/taxonomy/search", { model, q: words.slice(0, 200), limit: MOST_FOUND });
  return told.nodes;
}
