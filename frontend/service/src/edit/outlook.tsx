// What a new version would mean, in plain words, and every change as a row.
import { useEffect, useState } from "preact/hooks";
import { type Preview, preview } from "./remote";
import * as state from "./state";

const MOST = 200;

export function Outlook() {
  const draft = state.draft.value;
  const [found, setFound] = useState<Preview | null>(null);
  const [trouble, setTrouble] = useState("");
  const model = draft?.model;
  const revision = draft?.revision;
  useEffect(() => {
    if (model === undefined || !draft?.editable) return;
    let current = true;
    setTrouble("");
    preview(model).then(
      (told) => current && setFound(told),
      (error: unknown) => current && setTrouble(state.messageOf(error)),
    );
    return () => {
      current = false;
    };
  }, [model, revision]);
  if (trouble) return <p class="problem">{trouble}</p>;
  if (!found) return <p class="muted">Looking at what would change …</p>;
  return (
    <>
      <ul class="edit-words">
        {found.words.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
      {found.texts !== null && found.texts > 0 && (
        <p>
          {found.texts.toLocaleString("en")} training texts have a category that is removed, merged or split. Look at them
          before you train again.
        </p>
      )}
      {found.void.length > 0 && (
        <div class="edit-void">
          <h3>What will not hold any more</h3>
          <ul>
            {found.void.map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
        </div>
      )}
      {found.rows.length > 0 && <Rows rows={found.rows} />}
    </>
  );
}

function Rows({ rows }: { rows: [string, string, string][] }) {
  return (
    <div class="edit-table" role="region" aria-label="All changes" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">Before</th>
            <th scope="col">After</th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, MOST).map((row, i) => (
            <tr key={i}>
              {row.map((cell, j) => (
                <td key={j}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > MOST && <p class="muted">… and {(rows.length - MOST).toLocaleString("en")} more.</p>}
    </div>
  );
}
