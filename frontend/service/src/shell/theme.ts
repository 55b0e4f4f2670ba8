// Light or dark: as the system says, until a person says otherwise.
import { effect, signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";
const PLACE = "textaxa-theme";
const known = localStorage.getItem(PLACE);

export const theme = signal<Theme>(known === "light" || known === "dark" ? known : "system");

effect(() => {
  if (theme.value === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme.value;
  localStorage.setItem(PLACE, theme.value);
});
