// The service, as the page asks it: JSON in, JSON out, problems as errors that say what to do.

/** An entry of `/v1/models`. */
export interface ModelLine {
  name: string;
  version: string;
  task: string;
  head: string;
  nodes: number;
  terminals: number;
  levels: number;
  separator: string;
  trained: string | null;
  rows: number | null;
  promise: boolean;
  searches: boolean;
  languages: string[];
}

export interface Models {
  models: ModelLine[];
  default: string;
  features: { feedback: boolean; edit: boolean; explain: boolean; facts: boolean };
  limits: { texts: number; characters: number; body: number };
  key_required: boolean;
  textaxa: string;
}

/** What the service refused, or that it could not be reached (status 0). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  /** Seconds to wait, where the service says so. */
  readonly retryAfter: number | undefined;

  constructor(status: number, code: string, message: string, retryAfter?: number) {
    super(message);
    [this.status, this.code, this.retryAfter] = [status, code, retryAfter];
  }
}

type Query = Record<string, string | number | boolean | null | undefined>;

export interface Options {
  signal?: AbortSignal;
  /** Further headers, such as the token of an admin. */
  headers?: Record<string, string>;
}

/** Gives a key where the service asks for one; null where the person has none. Set by `key.tsx`. */
let askForKey: (refused: boolean) => Promise<string | null> = async () => null;
export const setKeyPrompt = (ask: typeof askForKey) => void (askForKey = ask);

const KEY = "textaxa-key";

/** The key, kept as long as the tab is open. */
export const key = {
  get: () => sessionStorage.getItem(KEY),
  set: (value: string) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

export const api = {
  get: <T>(path: string, query: Query = {}, options: Options = {}) => ask<T>("GET", path + written(query), undefined, options),
  post: <T>(path: string, body: unknown, options: Options = {}) => ask<T>("POST", path, body, options),
};

function written(query: Query): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
  return pairs.length ? `?${new URLSearchParams(pairs.map(([name, value]) => [name, String(value)]))}` : "";
}

async function ask<T>(method: string, path: string, body: unknown, options: Options): Promise<T> {
  for (;;) {
    const used = key.get();
    const answer = await sent(method, path, body, options, used);
    if (answer.status !== 401) return (await told(answer)) as T;
    // Another request may have been given a key in the meantime.
    if (key.get() === used) {
      key.forget();
      const given = await askForKey(used !== null);
      if (given === null) throw await problem(answer);
      key.set(given);
    }
  }
}

async function sent(method: string, path: string, body: unknown, options: Options, used: string | null): Promise<Response> {
  const headers: Record<string, string> = { ...options.headers };
  if (used !== null) headers["X-API-Key"] = used;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    return await fetch(path, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: options.signal ?? null,
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError(0, "unreachable", "The service cannot be reached. Is it running, and is this computer online?");
  }
}

async function told(answer: Response): Promise<unknown> {
  if (!answer.ok) throw await problem(answer);
  return answer.json();
}

async function problem(answer: Response): Promise<ApiError> {
  const found = (await answer.json().catch(() => null)) as { error?: { code?: string; message?: string } } | null;
  const message = found?.error?.message ?? `The service answered with status ${answer.status}.`;
  const wait = Number(answer.headers.get("Retry-After") ?? NaN);
  return new ApiError(answer.status, found?.error?.code ?? "unknown", message, Number.isFinite(wait) ? wait : undefined);
}
