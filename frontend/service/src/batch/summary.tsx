// What the answers come to: how deep, why they end, which categories.
import { useState } from "preact/hooks";
import { summaryOf } from "./review";
import type { Run } from "./run";
import * as state from "./state";
import { percent, plainReason } from "./words";

const SHOWN = 12;

export function Summary({ run }: { run: Run }) {
  void state.rows.value; // counted anew as often as the list is filled anew
  const [below, goBelow] = useState<string[]>([]);
  const [all, showAll] = useState(false);
  const found = summaryOf(run.answers, below);
  const most = Math.max(1, ...found.categories.map((one) => one.rows));
  const shown = all ? found.categories.slice(0, 500) : found.categories.slice(0, SHOWN);
  return (
    <section class="summary" aria-labelledby="summary-name">
      <h2 id="summary-name">Summary</h2>
      {found.mean !== null && (
        <p>
          On average the model is {percent(found.mean)} sure of an answer: expect about {Math.round((1 - found.mean) * 100)} wrong ones
          in 100.
          {state.asked.value?.accuracy ? ` Asked for: at least ${percent(state.asked.value.accuracy)} right.` : ""}
        </p>
      )}
      <Bars
        title="How exact the answers are"
        rows={found.depths.map((rows, depth) => ({ name: depth ? `level ${depth}` : "no answer", rows })).filter((one) => one.rows)}
        total={found.answered}
      />
      {found.reasons.length > 1 && (
        <Bars
          title="Why they end there"
          rows={found.reasons.map(([reason, rows]) => ({ name: plainReason(reason), rows, pick: () => pick({ stopped: reason }) }))}
          total={found.answered}
        />
      )}
      <h3>Categories</h3>
      <p>
        {below.length > 0 && (
          <button type="button" class="quiet" onClick={() => goBelow(below.slice(0, -1))}>
            ← {below.join(" › ")}
          </button>
        )}
      </p>
      <ul class="bars">
        {shown.map((one) => (
          <li key={one.path.join("\n")}>
            <button type="button" class="quiet bar-name" title="Show these rows" onClick={() => pick({ within: one.path })}>
              {one.path.at(-1)}
            </button>
            <Bar share={one.rows / most} />
            <span class="count">
              {one.rows.toLocaleString("en")}{" "}
              <button type="button" class="quiet" aria-label={`Categories below ${one.path.at(-1)}`} onClick={() => goBelow(one.path)}>
                ›
              </button>
            </span>
          </li>
        ))}
      </ul>
      {!shown.length && <p class="muted">None {below.length ? "below this one" : "yet"}.</p>}
      {found.categories.length > SHOWN && (
        <button type="button" class="quiet" onClick={() => showAll(!all)}>
          {all ? "Show fewer" : `Show ${found.categories.length > 500 ? "500" : "all"} of ${found.categories.length.toLocaleString("en")}`}
        </button>
      )}
    </section>
  );
}

function pick(what: Partial<typeof state.wanted.value>) {
  state.wanted.value = { ...state.wanted.value, ...what };
  document.querySelector<HTMLElement>(".results [role=grid]")?.focus();
}

interface BarRow {
  name: string;
  rows: number;
  pick?: () => void;
}

function Bars({ title, rows, total }: { title: string; rows: BarRow[]; total: number }) {
  return (
    <>
      <h3>{title}</h3>
      <ul class="bars">
        {rows.map((one) => (
          <li key={one.name}>
            {one.pick ? (
              <button type="button" class="quiet bar-name" title="Show these rows" onClick={one.pick}>
                {one.name}
              </button>
            ) : (
              <span class="bar-name">{one.name}</span>
            )}
            <Bar share={one.rows / Math.max(1, total)} />
            <span class="count">{one.rows.toLocaleString("en")}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

function Bar({ share }: { share: number }) {
  return (
    <span class="bar" aria-hidden="true">
      <span style={{ width: `${share * 100}%` }} />
    </span>
  );
}
