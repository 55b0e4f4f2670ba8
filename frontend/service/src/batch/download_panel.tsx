// The last step: the table with its answers as a file, made in the browser.
import { useState } from "preact/hooks";
import { fileName, fileParts, type Kind } from "./download";
import { leastSureFirst } from "./review";
import type { Run } from "./run";
import * as state from "./state";
import type { Table } from "./table";

export function Download({ table, run }: { table: Table; run: Run }) {
  void state.beat.value;
  const [order, setOrder] = useState<"file" | "unsure">("file");
  const lacking = run.total - run.done;
  const give = (kind: Kind) => save(table, run, order, kind);
  return (
    <section class="download" aria-labelledby="download-name">
      <h2 id="download-name">Download</h2>
      {lacking > 0 && (
        <p class="notice">
          {lacking.toLocaleString("en")} {lacking === 1 ? "row has" : "rows have"} no answer yet; its columns will be empty there.
        </p>
      )}
      <fieldset>
        <legend>Order of the rows</legend>
        <label>
          <input type="radio" name="order" checked={order === "file"} onChange={() => setOrder("file")} /> as in the file
        </label>{" "}
        <label>
          <input type="radio" name="order" checked={order === "unsure"} onChange={() => setOrder("unsure")} /> least sure first
        </label>
      </fieldset>
      <p class="actions">
        <button type="button" class="primary" onClick={() => give("spreadsheet")}>
          For Excel and other spreadsheets
        </button>
        <button type="button" onClick={() => give("exact")}>
          For programs ({table.format === "tsv" ? "TSV" : "CSV"})
        </button>
        {table.format === "jsonl" && (
          <button type="button" onClick={() => give("jsonl")}>
            JSON lines
          </button>
        )}
      </p>
      <p class="muted">
        All columns of your table, and the answers beside them. For spreadsheets, texts that would be taken for a formula get a ' in
        front; the other file is exactly what <code>textaxa predict</code> writes
        {state.verdicts.value.size ? ", with what you said in the columns review and reviewed_path" : ""}.
      </p>
    </section>
  );
}

function save(table: Table, run: Run, order: "file" | "unsure", kind: Kind) {
  const all = Array.from({ length: run.total }, (_, i) => i);
  const rows = order === "file" ? all : leastSureFirst(all, run.answers);
  const done = {
    table,
    answers: run.answers,
    verdicts: state.verdicts.value,
    layout: state.layout.value,
    separator: state.separator.value,
  };
  const type = kind === "jsonl" ? "application/jsonl" : "text/csv;charset=utf-8";
  const place = URL.createObjectURL(new Blob(fileParts(done, rows, kind), { type }));
  const link = document.createElement("a");
  [link.href, link.download] = [place, fileName(table, kind)];
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(place), 60_000);
  state.downloaded();
}
