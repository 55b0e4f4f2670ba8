// Batch: a table in, a table with answers out, and in between the rows that a person should look at.
import { useEffect } from "preact/hooks";
import { model, models } from "../shell/model";
import { Choose } from "./choose";
import { Preview } from "./preview";
import { Progress } from "./progress";
import { Results } from "./results";
import * as state from "./state";
import { Summary } from "./summary";
import { Download } from "./download_panel";

export function BatchView() {
  const [chosen, service] = [model.value, models.value];
  useEffect(askBeforeLeaving, []);
  if (!chosen || !service) return <p>Waiting for the service …</p>;
  const [table, run] = [state.table.value, state.run.value];
  return (
    <div class="batch">
      <h1>Many texts at once</h1>
      {!table && <Choose model={chosen} />}
      {table && !run && <Preview table={table} model={chosen} limits={service.limits} />}
      {table && run && (
        <>
          <Progress table={table} run={run} />
          <Results feedback={service.features.feedback} />
          <div class="batch-ends">
            <Summary run={run} />
            <Download table={table} run={run} />
          </div>
        </>
      )}
    </div>
  );
}

/** Answers live in this page alone, so leaving it in the middle is asked for. */
function askBeforeLeaving() {
  const ask = (event: BeforeUnloadEvent) => {
    if (state.running.peek() || state.unsaved()) event.preventDefault();
  };
  window.addEventListener("beforeunload", ask);
  return () => window.removeEventListener("beforeunload", ask);
}
