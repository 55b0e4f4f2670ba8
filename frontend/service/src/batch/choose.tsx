// The first step: a file, dropped or chosen.
import { useState } from "preact/hooks";
import type { ModelLine } from "../shell/api";
import * as state from "./state";

export function Choose({ model }: { model: ModelLine }) {
  const [over, setOver] = useState(false);
  const read = (file: File | undefined | null) => file && void state.open(file, model);
  const share = state.reading.value;
  return (
    <>
      <p>
        Drop a table with a text in every row. You get it back with a category for each text, and see first the rows that
        the model is least sure of.
      </p>
      <div
        class={`drop${over ? " is-over" : ""}`}
        onDragOver={(event) => (event.preventDefault(), setOver(true))}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          read(event.dataTransfer?.files[0]);
        }}
      >
        <p>
          <label class="primary file-choice">
            Choose a table …
            <input
              type="file"
              class="sr-only"
              accept=".csv,.tsv,.tab,.txt,.jsonl,.ndjson,.json"
              onChange={(event) => {
                read(event.currentTarget.files?.[0]);
                event.currentTarget.value = ""; // the same file, mended, is a choice, too
              }}
            />
          </label>{" "}
          or drop it here
        </p>
        <p class="muted">CSV, TSV or JSON lines, up to 200 MB. The file stays in this browser; only its texts go to the service.</p>
      </div>
      <div role="status">
        {share !== null && (
          <p>
            Reading the file … <progress max={1} value={share} aria-label="Share of the file that is read" />
          </p>
        )}
      </div>
      {state.problem.value && (
        <p class="problem" role="alert">
          {state.problem.value}
        </p>
      )}
    </>
  );
}
