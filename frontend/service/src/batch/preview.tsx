// The second step: which column holds the text, and how answers shall be made.
import { useEffect, useRef } from "preact/hooks";
import type { ModelLine, Models } from "../shell/api";
import { DELIMITERS } from "./csv";
import * as state from "./state";
import { type Table } from "./table";
import { cellText, textOf } from "./texts";

const ROWS = 5;
const LONG = 120;
const FAULTS = 10;

interface Props {
  table: Table;
  model: ModelLine;
  limits: Models["limits"];
}

export function Preview({ table, model, limits }: Props) {
  const title = useRef<HTMLParagraphElement>(null);
  useEffect(() => title.current?.focus(), []);
  const ready = table.count > 0 && state.columns.value.text.length > 0;
  return (
    <form
      class="preview"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) state.start(model, limits);
      }}
    >
      <p tabIndex={-1} ref={title}>
        <strong>{table.name}</strong>: {table.count.toLocaleString("en")} {table.count === 1 ? "row" : "rows"},{" "}
        {table.columns.length} {table.columns.length === 1 ? "column" : "columns"}{" "}
        <button type="button" class="quiet" onClick={state.close}>
          Another file
        </button>
      </p>
      {table.encoding !== "utf-8" && <Encoding table={table} />}
      {table.faults.length > 0 && <Faults table={table} />}
      <TextColumns table={table} />
      <Sample table={table} />
      {table.format !== "jsonl" && <Delimiter table={table} model={model} />}
      <Options model={model} />
      <p class="actions">
        <button type="submit" class="primary" disabled={!ready}>
          Categorise {table.count.toLocaleString("en")} {table.count === 1 ? "row" : "rows"}
        </button>
      </p>
    </form>
  );
}

function Encoding({ table }: { table: Table }) {
  if (table.encoding !== "windows-1252") return <p class="muted">The file is read as {table.encoding.toUpperCase()}.</p>;
  return (
    <p class="notice">
      The file is not UTF-8, so it is read as Western Windows text (Windows-1252). Look at the letters with accents below: if
      they are wrong, save the file as CSV (UTF-8) first.
    </p>
  );
}

function Faults({ table }: { table: Table }) {
  const count = table.faults.length;
  return (
    <section class="problem" role="alert" aria-labelledby="faults">
      <h2 id="faults">
        {count.toLocaleString("en")} {count === 1 ? "row" : "rows"} of the file cannot be read
      </h2>
      <ul>
        {table.faults.slice(0, FAULTS).map((fault, i) => (
          <li key={i}>
            <strong>Line {fault.line.toLocaleString("en")}</strong>: {fault.found}. <span class="muted">{fault.cure}</span>
          </li>
        ))}
      </ul>
      {count > FAULTS && <p>… and {(count - FAULTS).toLocaleString("en")} more.</p>}
      <p>Mend the file and choose it again, or go on: the rows named here are then missing from the result.</p>
    </section>
  );
}

function TextColumns({ table }: { table: Table }) {
  const { text, template } = state.columns.value;
  const toggle = (name: string) => {
    const next = text.includes(name) ? text.filter((one) => one !== name) : [...text, name];
    state.columns.value = { text: table.columns.filter((one) => next.includes(one)), template: null };
  };
  return (
    <fieldset>
      <legend>Where is the text?</legend>
      <div class="choices">
        {table.columns.map((name) => (
          <label key={name}>
            <input type="checkbox" checked={text.includes(name)} onChange={() => toggle(name)} /> {name}
          </label>
        ))}
      </div>
      {template !== null && <p class="muted">Put together as in training: {template}</p>}
      {text.length > 1 && template === null && <p class="muted">Several columns are joined, a full stop between them.</p>}
      {!text.length && <p class="problem">Choose at least one column.</p>}
    </fieldset>
  );
}

function Sample({ table }: { table: Table }) {
  const rows = Array.from({ length: Math.min(ROWS, table.count) }, (_, i) => i);
  const { text } = state.columns.value;
  if (!rows.length) return <p class="problem">The table has a header, but no rows that can be read.</p>;
  return (
    <>
      <div class="sample" role="region" aria-label="The first rows" tabIndex={0}>
        <table>
          <thead>
            <tr>
              {table.columns.map((name) => (
                <th key={name} scope="col" class={text.includes(name) ? "is-text" : ""}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row}>
                {table.columns.map((name) => (
                  <td key={name} class={text.includes(name) ? "is-text" : ""}>
                    {short(cellText(table.cell(row, name)))}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {text.length > 0 && (
        <p class="muted">
          The service reads, for example: “{short(textOf((name) => table.cell(0, name), state.columns.value)) || "(a blank text)"}”
        </p>
      )}
    </>
  );
}

function Delimiter({ table, model }: { table: Table; model: ModelLine }) {
  return (
    <p>
      <label>
        Cells are separated by a{" "}
        <select value={table.delimiter} onChange={(event) => state.reopen(event.currentTarget.value, model)}>
          {DELIMITERS.map(([delimiter, name]) => (
            <option key={name} value={delimiter}>
              {name} {delimiter.trim() && `( ${delimiter} )`}
            </option>
          ))}
        </select>
      </label>
    </p>
  );
}

const TARGETS = [0.8, 0.9, 0.95, 0.98, 0.99];

function Options({ model }: { model: ModelLine }) {
  return (
    <fieldset>
      <legend>How shall it answer?</legend>
      <p>
        <label>
          Accuracy{" "}
          <select
            value={String(state.accuracy.value ?? "")}
            disabled={!model.promise}
            onChange={(event) => (state.accuracy.value = event.currentTarget.value ? Number(event.currentTarget.value) : null)}
          >
            <option value="">always the best guess</option>
            {TARGETS.map((target) => (
              <option key={target} value={String(target)}>
                at least {target * 100} % right
              </option>
            ))}
          </select>
        </label>
      </p>
      <p class="muted">
        {model.promise
          ? "With a target, an answer ends at a broader category where the exact one would not be sure enough."
          : "This model kept no rows to rest a promise on, so a target cannot be asked for."}
      </p>
      {model.task !== "multi" && (
        <p>
          <label>
            Categories per text{" "}
            <select value={String(state.top.value)} onChange={(event) => (state.top.value = Number(event.currentTarget.value))}>
              <option value="1">the best</option>
              <option value="2">the best two</option>
              <option value="3">the best three</option>
              <option value="5">the best five</option>
            </select>
          </label>
        </p>
      )}
    </fieldset>
  );
}

const short = (text: string) => (text.length > LONG ? `${text.slice(0, LONG)}…` : text);
