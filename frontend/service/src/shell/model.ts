// Which models there are, and the one that is asked.
import { computed, signal } from "@preact/signals";
import { api, type ModelLine, type Models } from "./api";

export const models = signal<Models | null>(null);
export const problem = signal("");
const chosen = signal<string | null>(null);

/** The model that is asked; null until the service has told which there are. */
export const model = computed<ModelLine | null>(() => {
  const all = models.value;
  const name = chosen.value ?? all?.default;
  return all?.models.find((one) => one.name === name) ?? all?.models[0] ?? null;
});

export const choose = (name: string) => void (chosen.value = name);

/** Ask which models there are; again after a model was changed. */
export async function refresh(): Promise<void> {
  try {
    models.value = await api.get<Models>("v1/models");
    problem.value = "";
  } catch (error) {
    problem.value = error instanceof Error ? error.message : String(error);
  }
}
