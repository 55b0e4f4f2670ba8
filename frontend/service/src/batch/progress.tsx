// How far the run is, and its brakes.
import { useEffect, useRef } from "preact/hooks";
import type { Run } from "./run";
import * as state from "./state";
import type { Table } from "./table";

export function Progress({ table, run }: { table: Table; run: Run }) {
  void state.beat.value;
  const title = useRef<HTMLHeadingElement>(null);
  // The button that began the run is gone: whoever pressed it goes on here.
  useEffect(() => {
    window.scrollTo(0, 0);
    title.current?.focus({ preventScroll: true });
  }, [run]);
  return (
    <section class="progress" aria-labelledby="progress-name">
      <h2 id="progress-name" tabIndex={-1} ref={title}>
        {table.name}: {headline(run)}
      </h2>
      <progress max={Math.max(1, run.total)} value={run.done + run.failed} aria-label="Rows answered" />
      <p class="progress-line">
        <span>{told(run)}</span>
        <span class="actions">
          {run.state === "running" && <button type="button" onClick={() => run.pause()}>Pause</button>}
          {(run.state === "paused" || run.state === "stopped") && (
            <button type="button" class="primary" onClick={() => run.start()}>
              Go on
            </button>
          )}
          {(run.state === "running" || run.state === "paused") && <button type="button" onClick={() => run.stop()}>Stop</button>}
          {run.state !== "running" && run.failed > 0 && (
            <button type="button" onClick={() => run.retry()}>
              Try {run.failed.toLocaleString("en")} failed {run.failed === 1 ? "row" : "rows"} again
            </button>
          )}
          {!state.running.value && (
            <button type="button" class="quiet" onClick={anew}>
              Another file
            </button>
          )}
        </span>
      </p>
      <p class="sr-only" role="status">
        {milestone(run)}
      </p>
      {run.problem && (
        <p class="problem" role="alert">
          {run.problem}
        </p>
      )}
      {run.failures.length > 0 && <Failures table={table} run={run} />}
      {state.versions.value.length > 1 && (
        <p class="notice">
          The model was changed while this ran ({state.versions.value.join(", ")}): rows were answered by different versions. Run
          the file again for answers of one.
        </p>
      )}
    </section>
  );
}

function anew() {
  if (!state.unsaved() || window.confirm("What you corrected is not downloaded yet. Throw it away?")) state.close();
}

function Failures({ table, run }: { table: Table; run: Run }) {
  return (
    <details class="problem">
      <summary>
        {run.failed.toLocaleString("en")} {run.failed === 1 ? "row has" : "rows have"} no answer
      </summary>
      <ul>
        {run.failures.slice(0, 20).map((one) => (
          <li key={one.from}>
            {lines(table, one.from, one.to)}: {one.message}
          </li>
        ))}
      </ul>
      {run.failures.length > 20 && <p>… and {run.failures.length - 20} more places.</p>}
    </details>
  );
}

function lines(table: Table, from: number, to: number): string {
  const [first, last] = [table.lines[from]!.toLocaleString("en"), table.lines[to - 1]!.toLocaleString("en")];
  return to - from === 1 ? `Line ${first}` : `Lines ${first} to ${last}`;
}

function headline(run: Run): string {
  if (run.state === "running") return run.waitsUntil ? "the service is busy, waiting a moment" : "working";
  if (run.state === "done") return run.failed ? "ended, some rows failed" : "done";
  return run.state === "paused" ? "paused" : "stopped";
}

function told(run: Run): string {
  const parts = [`${run.done.toLocaleString("en")} of ${run.total.toLocaleString("en")} rows`];
  if (run.state === "running" && run.speed > 0) parts.push(`${speed(run.speed)} a second`);
  if (run.state === "running" && run.left !== null) parts.push(`${duration(run.left)} left`);
  return parts.join(" · ");
}

/** What screen readers are told: every tenth, not every row. */
function milestone(run: Run): string {
  if (run.state !== "running") return `${headline(run)}, ${run.done.toLocaleString("en")} rows answered`;
  return `${Math.floor((run.done / Math.max(1, run.total)) * 10) * 10} % answered`;
}

const speed = (rows: number) => (rows < 10 ? rows.toFixed(1) : Math.round(rows).toLocaleString("en"));

export function duration(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 90) return `${whole} seconds`;
  const minutes = Math.round(whole / 60);
  return minutes < 90 ? `${minutes} minutes` : `${(whole / 3600).toFixed(1)} hours`;
}
