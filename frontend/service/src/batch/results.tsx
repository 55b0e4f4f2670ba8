// The answers: a list that may be long, filters, and the row that is looked at.
import { useEffect } from "preact/hooks";
import { useScroller } from "../list/scroller";
import type { Answer } from "./cells";
import { Detail } from "./detail";
import { reason, summaryOf, sureness } from "./review";
import * as state from "./state";
import { percent, plainReason } from "./words";

const ROW = 56;

export function Results({ feedback }: { feedback: boolean }) {
  const rows = state.rows.value;
  const chosen = state.chosen.value;
  return (
    <section class="results" aria-labelledby="results-name">
      <h2 id="results-name">Answers</h2>
      <Filters count={rows.length} />
      <div class="results-split">
        <Rows rows={rows} />
        {chosen !== null && state.run.value?.answers[chosen] ? (
          <Detail key={chosen} row={chosen} feedback={feedback} onDone={(step) => step && next(rows, chosen)} />
        ) : (
          <p class="muted results-hint">
            Choose a row to read all of it. Keys: <kbd>↑</kbd> <kbd>↓</kbd> walk, <kbd>y</kbd> it is right, <kbd>c</kbd> correct it.
          </p>
        )}
      </div>
    </section>
  );
}

/** Go on to the row below one that was dealt with. */
function next(rows: readonly number[], row: number) {
  const at = rows.indexOf(row);
  const after = rows[at + 1] ?? rows[at];
  if (after !== undefined) state.chosen.value = after;
  focusGrid();
}

export function focusGrid() {
  document.querySelector<HTMLElement>(".results [role=grid]")?.focus();
}

function Filters({ count }: { count: number }) {
  const wanted = state.wanted.value;
  const want = (what: Partial<typeof wanted>) => (state.wanted.value = { ...wanted, ...what });
  const reasons = summaryOf(state.run.value?.answers ?? [], []).reasons;
  return (
    <div class="filters">
      <label>
        Order{" "}
        <select value={wanted.order} onChange={(event) => want({ order: event.currentTarget.value as "unsure" | "file" })}>
          <option value="unsure">least sure first</option>
          <option value="file">as in the file</option>
        </select>
      </label>
      {reasons.length > 1 && (
        <label>
          Ends because{" "}
          <select value={wanted.stopped ?? ""} onChange={(event) => want({ stopped: event.currentTarget.value || null })}>
            <option value="">(any reason)</option>
            {reasons.map(([one]) => (
              <option key={one} value={one}>
                {plainReason(one)}
              </option>
            ))}
          </select>
        </label>
      )}
      <label>
        Contains{" "}
        <input
          type="search"
          placeholder="word or category"
          value={wanted.search}
          onInput={(event) => want({ search: event.currentTarget.value })}
        />
      </label>
      <label>
        <input type="checkbox" checked={wanted.open} onChange={() => (want({ open: !wanted.open }), state.sortAnew())} /> not looked at
      </label>
      {wanted.within && (
        <button type="button" class="chip" onClick={() => want({ within: null })} aria-label={`Show all categories, not only ${wanted.within.join(" › ")}`}>
          {wanted.within.join(" › ")} ✕
        </button>
      )}
      <span class="muted" role="status">
        {count.toLocaleString("en")} {count === 1 ? "row" : "rows"}
        {state.verdicts.value.size > 0 && `, ${state.verdicts.value.size.toLocaleString("en")} looked at in all`}
      </span>
    </div>
  );
}

function Rows({ rows }: { rows: readonly number[] }) {
  const scroller = useScroller(rows.length, ROW);
  const chosen = state.chosen.value;
  const at = chosen === null ? -1 : rows.indexOf(chosen);
  useEffect(() => scroller.reveal(at), [at]);
  const shown = [];
  for (let i = scroller.first; i < scroller.last; i++) shown.push(i);
  if (at >= 0 && (at < scroller.first || at >= scroller.last)) shown.push(at);
  const go = (to: number) => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, to))];
    if (row !== undefined) state.chosen.value = row;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const steps: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: rows.length - 1,
      PageDown: at + scroller.page,
      PageUp: at - scroller.page,
    };
    const to = steps[event.key];
    if (to !== undefined) go(to);
    else if (event.key === "y" || event.key === "c" || event.key === "Enter") act(event.key === "y" ? "right" : "correct");
    else return;
    event.preventDefault();
  };
  return (
    <div
      class="rows"
      role="grid"
      tabIndex={0}
      aria-label="Answers"
      aria-rowcount={rows.length}
      aria-activedescendant={at >= 0 ? `answer-${rows[at]}` : undefined}
      ref={scroller.box}
      onKeyDown={onKeyDown}
      onFocus={() => at < 0 && go(0)}
    >
      <div role="presentation" class="rows-inside" style={{ height: `${scroller.tall}px` }}>
        {shown.map((i) => (
          <Row key={rows[i]} row={rows[i]!} place={i} top={scroller.top(i)} chosen={i === at} />
        ))}
      </div>
    </div>
  );
}

/** Press a button of the row that is looked at. */
function act(what: "right" | "correct") {
  document.querySelector<HTMLButtonElement>(`.detail [data-act=${what}]`)?.click();
}

function Row({ row, place, top, chosen }: { row: number; place: number; top: number; chosen: boolean }) {
  const answer = state.run.value!.answers[row] ?? null;
  const said = state.verdicts.value.get(row);
  const sure = sureness(answer);
  return (
    <div
      id={`answer-${row}`}
      role="row"
      aria-rowindex={place + 1}
      aria-selected={chosen}
      class={`row${chosen ? " is-chosen" : ""}${said ? " is-done" : ""}`}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => {
        state.chosen.value = row;
        // On a phone the row's own panel lies below the list.
        window.setTimeout(() => document.querySelector(".detail")?.scrollIntoView({ block: "nearest" }));
      }}
    >
      <span role="gridcell" class="row-text">
        {state.texts.value[row] || <span class="muted">(blank)</span>}
      </span>
      <span role="gridcell" class="row-path">
        {said && !said.right ? (
          <>
            {said.path.join(" › ")} <del class="muted">{pathOf(answer)}</del>
          </>
        ) : (
          pathOf(answer)
        )}
      </span>
      <span role="gridcell" class="row-sure">
        {sure === null ? "" : percent(sure)}
        <span class={`bar${sure !== null && sure < 0.5 ? " is-wrong" : ""}`} aria-hidden="true">
          <span style={{ width: `${(sure ?? 0) * 100}%` }} />
        </span>
      </span>
      <span role="gridcell" class="row-why muted">
        {said ? (said.right ? "✓ right" : "✎ corrected") : remark(answer)}
      </span>
    </div>
  );
}

/** Why an answer ends there, where that is worth a remark. */
function remark(answer: Answer | null): string {
  const why = reason(answer);
  return why === "leaf" || (why === "no text" && !answer?.path) ? "" : plainReason(why);
}

export function pathOf(answer: Answer | null): string {
  if (!answer) return "";
  const shown = answer.path === undefined ? answer.paths : answer.paths.slice(0, answer.path ? 1 : 0);
  return shown.map((one) => one.levels.map((level) => level.name).join(" › ")).join("; ") || "no category";
}
