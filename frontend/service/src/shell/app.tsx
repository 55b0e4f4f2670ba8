// The frame: where one can go, which model is asked, light or dark, and the part that is shown.
import type { FunctionComponent } from "preact";
import { useEffect } from "preact/hooks";
import { KeyPrompt } from "./key";
import { choose, model, models, problem, refresh } from "./model";
import { route } from "./router";
import { type Theme, theme } from "./theme";
import { Toasts } from "./toast";

/** A part of the page. */
export interface Part {
  route: string;
  name: string;
  view: FunctionComponent;
  /** Whether this service offers it. */
  offered?(): boolean;
}

export function App({ parts }: { parts: readonly Part[] }) {
  useEffect(() => void refresh(), []);
  const offered = parts.filter((part) => part.offered?.() ?? true);
  const current = offered.find((part) => part.route === route.value) ?? offered[0];
  useEffect(() => {
    document.title = current ? `${current.name} – textaxa` : "textaxa";
  }, [current]);
  if (!current) return null;
  const View = current.view;
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), document.getElementById("main")?.focus())}>
        To the content
      </a>
      <header>
        <span class="brand">textaxa</span>
        <nav aria-label="Parts of the page">
          {offered.map((part) => (
            <a key={part.route} href={`#/${part.route}`} aria-current={part === current ? "page" : undefined}>
              {part.name}
            </a>
          ))}
        </nav>
        <Settings />
      </header>
      <main id="main" tabIndex={-1}>
        {problem.value && !models.value ? <Unreachable /> : <View />}
      </main>
      <Toasts />
      <KeyPrompt />
    </>
  );
}

function Unreachable() {
  return (
    <div class="problem" role="alert">
      <p>{problem.value}</p>
      <button type="button" onClick={() => void refresh()}>
        Try again
      </button>
    </div>
  );
}

function Settings() {
  const all = models.value?.models ?? [];
  return (
    <div class="settings">
      {all.length > 1 && (
        <label>
          <span class="sr-only">Model</span>
          <select value={model.value?.name} onChange={(event) => choose(event.currentTarget.value)}>
            {all.map((one) => (
              <option key={one.name} value={one.name}>
                {one.name}
              </option>
            ))}
          </select>
        </label>
      )}
      <label>
        <span class="sr-only">Colours</span>
        <select value={theme.value} onChange={(event) => (theme.value = event.currentTarget.value as Theme)}>
          <option value="system">Colours: system</option>
          <option value="light">Light</option>
          <option value="dark">Dark</option>
        </select>
      </label>
    </div>
  );
}
