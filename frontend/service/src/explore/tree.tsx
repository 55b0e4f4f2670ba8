// A tree as screen readers and keyboards know it. It draws the rows in view alone; what is open is its owner's business.
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { useScroller } from "../list/scroller";
import { moveOf, type TreeRow, typedAhead } from "./rows";

export type { TreeRow } from "./rows";

export interface TreeProps {
  rows: readonly TreeRow[];
  /** What screen readers call the tree. */
  label: string;
  /** The key of the row that is chosen; it follows the arrow keys. */
  selected: string | null;
  onSelect(row: TreeRow, how: "key" | "pointer"): void;
  onToggle(row: TreeRow, open: boolean): void;
  /** Enter, or a double click. */
  onActivate?(row: TreeRow): void;
  /** Keys of the owner's, asked first; true where the key is dealt with. */
  onKey?(event: KeyboardEvent, row: TreeRow): boolean;
  renderName?(row: TreeRow): ComponentChildren;
  draggable?: boolean;
  canDrop?(dragged: TreeRow, target: TreeRow): boolean;
  onDrop?(dragged: TreeRow, target: TreeRow): void;
}

const ROW = 32;
/** After so many milliseconds without a key, typing begins a new word. */
const WORD_ENDS = 700;
/** Levels that are indented further; names of deeper ones would leave the view. */
const DEEPEST = 12;

let trees = 0;

export function Tree(props: TreeProps) {
  const { rows, selected, onSelect, onToggle } = props;
  const [name] = useState(() => `tree-${++trees}`);
  const scroller = useScroller(rows.length, ROW);
  const typed = useRef({ word: "", at: 0 });
  const dragged = useRef<TreeRow | null>(null);
  const [over, setOver] = useState<string | null>(null);
  const at = selected === null ? -1 : rows.findIndex((row) => row.key === selected);

  // A row that was chosen is brought into view; rows that open or close elsewhere do not scroll.
  useLayoutEffect(() => scroller.reveal(at), [selected, at >= 0]);

  const go = (to: number) => {
    const row = rows[to];
    if (!row) return;
    scroller.reveal(to);
    onSelect(row, "key");
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const row = rows[at];
    if (row && props.onKey?.(event, row)) return event.preventDefault();
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const move = moveOf(event.key, rows, at, scroller.page);
    if (move) {
      event.preventDefault();
      typed.current.word = "";
      if ("to" in move) go(move.to);
      else onToggle(rows[move.toggle]!, move.open);
    } else if ((event.key === "Enter" || (event.key === " " && !typed.current.word)) && row) {
      event.preventDefault();
      if (event.key === "Enter" && props.onActivate) props.onActivate(row);
      else if (row.open !== null) onToggle(row, !row.open);
    } else if (event.key === "*" && row) {
      event.preventDefault();
      openSiblings(rows, at, onToggle);
    } else if (event.key.length === 1) {
      event.preventDefault();
      typeAhead(event.key);
    }
  };

  const typeAhead = (key: string) => {
    const now = performance.now();
    const word = now - typed.current.at > WORD_ENDS ? key : typed.current.word + key;
    typed.current = { word, at: now };
    // One letter goes on to the next name that begins with it; a longer word may stay where it is.
    go(typedAhead(rows, Math.max(0, word.length === 1 ? at + 1 : at), word));
    window.setTimeout(() => {
      if (performance.now() - typed.current.at >= WORD_ENDS) typed.current.word = "";
    }, WORD_ENDS + 20);
  };

  const shown = [];
  for (let i = scroller.first; i < scroller.last; i++) shown.push(i);
  // Screen readers follow the chosen row even when it is scrolled out of sight.
  if (at >= 0 && (at < scroller.first || at >= scroller.last)) shown.push(at);

  return (
    <div
      class="tree"
      role="tree"
      tabIndex={0}
      aria-label={props.label}
      aria-activedescendant={at >= 0 ? `${name}-${rows[at]!.key}` : undefined}
      ref={scroller.box}
      onKeyDown={onKeyDown}
      onFocus={() => at < 0 && rows.length > 0 && onSelect(rows[0]!, "key")}
    >
      <div class="tree-inside" role="presentation" style={{ height: `${scroller.tall}px` }}>
        {shown.map((i) => (
          <Row
            key={rows[i]!.key}
            id={`${name}-${rows[i]!.key}`}
            row={rows[i]!}
            top={scroller.top(i)}
            chosen={i === at}
            over={over === rows[i]!.key}
            tree={props}
            dragged={dragged}
            setOver={setOver}
          />
        ))}
      </div>
    </div>
  );
}

interface RowProps {
  id: string;
  row: TreeRow;
  top: number;
  chosen: boolean;
  over: boolean;
  tree: TreeProps;
  dragged: { current: TreeRow | null };
  setOver(key: string | null): void;
}

function Row({ id, row, top, chosen, over, tree, dragged, setOver }: RowProps) {
  const droppable = () => dragged.current !== null && (tree.canDrop?.(dragged.current, row) ?? true);
  return (
    <div
      id={id}
      class={`tree-row${chosen ? " is-chosen" : ""}${over ? " is-over" : ""}`}
      role="treeitem"
      aria-level={row.level}
      aria-posinset={row.position}
      aria-setsize={row.size}
      aria-expanded={row.open === null ? undefined : row.open}
      aria-selected={chosen}
      aria-busy={row.busy || undefined}
      style={{ transform: `translateY(${top}px)`, paddingLeft: `${Math.min(row.level, DEEPEST) * 16 - 8}px` }}
      onClick={() => tree.onSelect(row, "pointer")}
      onDblClick={() => (tree.onActivate ? tree.onActivate(row) : row.open !== null && tree.onToggle(row, !row.open))}
      draggable={tree.draggable ?? false}
      onDragStart={(event) => {
        dragged.current = row;
        event.dataTransfer?.setData("text/plain", row.name);
      }}
      onDragOver={(event) => {
        if (!droppable()) return;
        event.preventDefault();
        setOver(row.key);
      }}
      onDragLeave={() => setOver(null)}
      onDragEnd={() => {
        dragged.current = null;
        setOver(null);
      }}
      onDrop={(event) => {
        event.preventDefault();
        setOver(null);
        if (dragged.current && droppable()) tree.onDrop?.(dragged.current, row);
        dragged.current = null;
      }}
    >
      <span
        class={`tree-arrow${row.open === null ? " is-leaf" : row.open ? " is-open" : ""}`}
        aria-hidden="true"
        onClick={(event) => {
          if (row.open === null) return;
          event.stopPropagation();
          tree.onToggle(row, !row.open);
        }}
        onDblClick={(event) => event.stopPropagation()}
      />
      <span class="tree-name" title={row.name}>
        {tree.renderName ? tree.renderName(row) : row.name}
      </span>
      {row.note && <span class="tree-note">{row.note}</span>}
    </div>
  );
}

/** Open all siblings of a row. */
function openSiblings(rows: readonly TreeRow[], at: number, onToggle: TreeProps["onToggle"]) {
  const level = rows[at]!.level;
  let first = at;
  while (first > 0 && rows[first - 1]!.level >= level) first--;
  const closed: TreeRow[] = [];
  for (let i = first; i < rows.length && rows[i]!.level >= level; i++) {
    if (rows[i]!.level === level && rows[i]!.open === false) closed.push(rows[i]!);
  }
  for (const row of closed) onToggle(row, true);
}
