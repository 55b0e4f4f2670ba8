// What Batch asks the service.
import { api, ApiError } from "../shell/api";
import type { Answer } from "./cells";
import type { Refusal } from "./run";
import type { TextColumns } from "./texts";

export interface Asked {
  model: string;
  top: number;
  accuracy: number | null;
}

export interface Promised {
  [field: string]: unknown;
}

export interface Told {
  version: string;
  answers: Answer[];
  promise: Promised | null;
}

export async function classify(asked: Asked, texts: string[], signal: AbortSignal): Promise<Told> {
  const { model, top, accuracy } = asked;
  const how = accuracy === null ? {} : { accuracy };
  try {
    return await api.post<Told>("v1/classify", { model, texts, top, ...how }, { signal });
  } catch (error) {
    throw refusal(error);
  }
}

function refusal(error: unknown): Refusal {
  if (error instanceof ApiError) {
    return { status: error.status, message: error.message, retryAfter: error.retryAfter ?? undefined };
  }
  return { status: 0, message: error instanceof Error ? error.message : String(error) };
}

export interface Remembered {
  columns: TextColumns;
  pathsSeparator: string;
}

/** What a model remembers of its training table. */
export async function remembered(model: string): Promise<Remembered> {
  const told = await api.get<{ summary: Record<string, unknown> }>("v1/model", { model });
  const columns = (told.summary["columns"] ?? {}) as Record<string, unknown>;
  const text = Array.isArray(columns["text"]) ? columns["text"].filter((name) => typeof name === "string") : [];
  const template = typeof columns["template"] === "string" ? columns["template"] : null;
  const pathsSeparator = typeof columns["paths_separator"] === "string" ? columns["paths_separator"] : ";";
  return { columns: { text, template }, pathsSeparator };
}

export interface Correction {
  text: string;
  path: string[];
  predicted?: string[];
  probability?: number;
  model: string;
}

export async function feedback(correction: Correction): Promise<void> {
  await api.post("v1/feedback", correction);
}
