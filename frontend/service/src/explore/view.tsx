// Explore: the tree and search at one side, the page of the chosen node at the other.
import { effect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { model } from "../shell/model";
import { isRest, wayOf } from "./branches";
import { NodePage } from "./node_page";
import type { TreeRow } from "./rows";
import { Search } from "./search";
import * as state from "./state";
import { Tree } from "./tree";

/** A row walked to by keys is shown when the keys rest, so that holding an arrow key asks for one node. */
const REST = 160;

let timer = 0;

/** The id in `#/explore/12`; null where there is none. */
function idOf(hash: string): number | null {
  const found = /^#\/explore\/(\d{1,9})$/.exec(hash);
  return found ? Number(found[1]) : null;
}

export function ExploreView() {
  const { name, version } = model.value ?? {};
  useEffect(() => {
    if (name === undefined || version === undefined) return;
    // Numbers of nodes belong to one version: another one begins at the top.
    if (state.look(name, version)) history.replaceState(null, "", "#/explore");
    const follow = () => {
      const id = idOf(location.hash);
      if (id !== null && !state.isGoing(id)) void state.show(id);
      else if (id === null && location.hash === "#/explore") state.forget();
    };
    follow();
    window.addEventListener("hashchange", follow);
    return () => window.removeEventListener("hashchange", follow);
  }, [name, version]);

  if (name === undefined) return <p>Waiting for the service …</p>;
  return (
    <div class={`explore${state.shown.value ? " has-node" : ""}`}>
      <h1 class="sr-only">Explore the categories</h1>
      <div class="explore-side">
        <Search model={name} onChoose={chosen} />
        <Side />
      </div>
      <div class="explore-page">
        <Page />
      </div>
    </div>
  );
}

function Side() {
  if (state.words.value.trim()) return null;
  if (!state.rows.value.length) return state.trouble.value ? null : <p class="muted">Loading the categories …</p>;
  return (
    <Tree
      rows={state.rows.value}
      label="Categories"
      selected={state.selected.value}
      onSelect={select}
      onToggle={state.toggle}
      onActivate={(row) => (isRest(row) ? focusSearch() : (go(row.id), focusPage()))}
    />
  );
}

function Page() {
  const node = state.shown.value;
  if (state.trouble.value) {
    return (
      <p class="problem" role="alert">
        {state.trouble.value}
      </p>
    );
  }
  if (!node) {
    return (
      <div class="explore-hint">
        <h2>Walk through the categories</h2>
        <p>
          Choose a category to see what it means, how many texts it was trained on, and how well it is recognised.
        </p>
        <p class="muted">
          Keys: <kbd>/</kbd> search, <kbd>↑</kbd> <kbd>↓</kbd> walk, <kbd>→</kbd> open, <kbd>←</kbd> close, <kbd>Enter</kbd> read; or
          type the beginning of a name.
        </p>
      </div>
    );
  }
  const below = state.rows.value && state.childrenOf(node.id);
  return <NodePage node={node} way={state.way.value} below={below?.nodes ?? null} total={below?.total ?? node.children.length} />;
}

function select(row: TreeRow, how: "key" | "pointer") {
  if (isRest(row)) return how === "pointer" ? focusSearch() : state.choose(row);
  state.choose(row);
  window.clearTimeout(timer);
  const visit = () => {
    void state.show(row.id, wayOf(row.key));
    // Walking by keys leaves one step in the history, not a hundred.
    if (how === "key") history.replaceState(null, "", `#/explore/${row.id}`);
    else location.hash = `#/explore/${row.id}`;
  };
  if (how === "pointer") visit();
  else timer = window.setTimeout(visit, REST);
}

function go(id: number) {
  location.hash = `#/explore/${id}`;
}

function chosen(id: number) {
  state.words.value = "";
  go(id);
  focusPage();
}

function focusSearch() {
  document.querySelector<HTMLInputElement>(".explore-search input")?.focus();
}

/** Readers of screens go on at the node's name, once it is there. */
function focusPage() {
  const id = idOf(location.hash);
  const ends = effect(() => {
    if (state.shown.value?.id !== id && !state.trouble.value) return;
    window.setTimeout(() => {
      ends();
      document.getElementById("node-name")?.focus();
    });
  });
}
