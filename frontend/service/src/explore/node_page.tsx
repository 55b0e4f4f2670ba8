// The page of one node: where it stands, what it means, how well it is recognised, what lies below.
import { useEffect, useState } from "preact/hooks";
import type { Line } from "./branches";
import { Facts, texts } from "./facts";
import type { NodeTold } from "./remote";
import { told } from "./state";

interface Props {
  node: NodeTold;
  /** Ids from the top level down to the node. */
  way: readonly number[];
  below: readonly Line[] | null;
  total: number;
}

const FIRST = 12;

export function NodePage({ node, way, below, total }: Props) {
  const name = node.label ?? node.name;
  return (
    <article aria-labelledby="node-name">
      <Breadcrumb node={node} way={way} />
      <h2 id="node-name" tabIndex={-1}>
        {name} {node.code && <span class="chip">{node.code}</span>}
      </h2>
      <p class="description">{node.description || <span class="muted">It has no description.</span>}</p>
      <dl class="numbers">
        <Number term="Texts it was trained on" value={node.texts === null ? "not known" : node.texts.toLocaleString("en")} />
        <Number term="Categories right below" value={total.toLocaleString("en")} />
        <Number term="Level" value={String(node.depth)} />
        <Number term="Can be an answer" value={node.terminal ? "yes" : "no, only what is below"} />
      </dl>
      {node.parents.length > 1 && <OtherParents parents={node.parents} way={way} />}
      <Facts node={node} />
      {below && below.length > 0 && <Children key={node.id} below={below} total={total} />}
    </article>
  );
}

function Number({ term, value }: { term: string; value: string }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Breadcrumb({ node, way }: { node: NodeTold; way: readonly number[] }) {
  const names = node.labels ?? node.path;
  // In a DAG one may have come another way than the one that the path names: names are told only where both agree.
  const ids = way.length === names.length ? way : [];
  return (
    <nav aria-label="Path" class="breadcrumb">
      <ol>
        <li>
          <a href="#/explore">All categories</a>
        </li>
        {names.slice(0, -1).map((one, i) => (
          <li key={i}>{ids[i] === undefined ? one : <a href={`#/explore/${ids[i]}`}>{one}</a>}</li>
        ))}
        <li aria-current="page">{names.at(-1)}</li>
      </ol>
    </nav>
  );
}

function OtherParents({ parents, way }: { parents: readonly number[]; way: readonly number[] }) {
  const [names, setNames] = useState<ReadonlyMap<number, string>>(new Map());
  const others = parents.filter((id) => id !== way.at(-2));
  const key = others.join(" ");
  useEffect(() => {
    for (const id of others) {
      told(id).then(
        (node) => setNames((known) => new Map(known).set(id, (node.labels ?? node.path).join(" › "))),
        () => undefined, // its number is still a link
      );
    }
  }, [key]);
  return (
    <p>
      It stands below other categories, too:{" "}
      {others.map((id, i) => (
        <span key={id}>
          {i > 0 && ", "}
          <a href={`#/explore/${id}`}>{names.get(id) ?? `number ${id}`}</a>
        </span>
      ))}
    </p>
  );
}

function Children({ below, total }: { below: readonly Line[]; total: number }) {
  const [all, showAll] = useState(false);
  const counted = below.some((one) => typeof one.texts === "number");
  const sorted = counted ? [...below].sort((a, b) => (b.texts ?? 0) - (a.texts ?? 0)) : below;
  const most = Math.max(1, ...sorted.slice(0, 1).map((one) => one.texts ?? 0));
  const shown = all ? sorted.slice(0, 500) : sorted.slice(0, FIRST);
  return (
    <section aria-labelledby="below">
      <h3 id="below">Right below</h3>
      <ul class="bars">
        {shown.map((one) => (
          <li key={one.id}>
            <a href={`#/explore/${one.id}`}>{one.label ?? one.name}</a>
            {counted && (
              <>
                <span class="bar" aria-hidden="true">
                  <span style={{ width: `${((one.texts ?? 0) / most) * 100}%` }} />
                </span>
                <span class="count">{texts(one.texts ?? 0)}</span>
              </>
            )}
          </li>
        ))}
      </ul>
      {sorted.length > FIRST && (
        <button type="button" class="quiet" onClick={() => showAll(!all)}>
          {all ? "Show fewer" : `Show ${total > 500 ? "500" : "all"} of ${total.toLocaleString("en")}`}
        </button>
      )}
    </section>
  );
}
