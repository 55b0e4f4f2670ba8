// How the model does at a node, in words that need no statistics.
import { useState } from "preact/hooks";
import type { NodeFacts, NodeTold } from "./remote";

/** All that is known of how well texts are put under a node. */
export function Facts({ node }: { node: NodeTold }) {
  if (node.facts) return <Known name={node.label ?? node.name} facts={node.facts} share={node.facts_share} />;
  return (
    <section aria-labelledby="scores">
      <h3 id="scores">How well it is recognised</h3>
      <Unknown node={node} />
    </section>
  );
}

function Unknown({ node }: { node: NodeTold }) {
  if (node.facts_state === "computing" || node.facts_state === "waiting") {
    const done = Math.round(node.facts_share * 100);
    return (
      <p>
        The service is reading its labelled texts to find out. <progress max={100} value={done} aria-label="Share of texts read" /> {done} %
      </p>
    );
  }
  if (node.facts_state === "failed") {
    return <p>The labelled texts of this service could not be read; its log says why.</p>;
  }
  if (node.facts_state === "ready") return <p>None of the labelled texts belongs here.</p>;
  return (
    <p>
      Not measured yet. Give the service texts whose category is known, for example those kept aside for testing. It then
      shows scores, mix-ups and examples: <code>textaxa serve MODEL --labelled test.csv</code>
    </p>
  );
}

function Known({ name, facts, share }: { name: string; facts: NodeFacts; share: number }) {
  return (
    <>
      <section aria-labelledby="scores">
        <h3 id="scores">How well it is recognised</h3>
        {share < 1 && <p class="muted">So far {percent(share)} of the labelled texts are read.</p>}
        {facts.n + facts.predicted === 0 ? (
          <p>None of the labelled texts belongs here, and none was put here.</p>
        ) : (
          <Scores facts={facts} />
        )}
      </section>
      {facts.confusions.length > 0 && <Confusions name={name} facts={facts} />}
      {facts.examples.length > 0 && <Examples facts={facts} />}
    </>
  );
}

function Scores({ facts }: { facts: NodeFacts }) {
  const hits = facts.recall === null ? 0 : Math.round(facts.recall * facts.n);
  return (
    <dl class="scores">
      <Score
        term="Found"
        field="recall"
        value={facts.recall}
        words={`Of ${texts(facts.n)} that belong here, ${hits.toLocaleString("en")} ${hits === 1 ? "was" : "were"} put here.`}
      />
      <Score
        term="Right"
        field="precision"
        value={facts.precision}
        words={`Of ${texts(facts.predicted)} that were put here, ${hits.toLocaleString("en")} ${hits === 1 ? "belongs" : "belong"} here.`}
      />
      <Score term="Both together" field="F1" value={facts.f1} words="One number for the two; 100 % is perfect." />
    </dl>
  );
}

function Score({ term, field, value, words }: { term: string; field: string; value: number | null; words: string }) {
  return (
    <div class="score">
      <dt>
        {term} <span class="muted">({field})</span>
      </dt>
      <dd>
        <strong>{value === null ? "–" : percent(value)}</strong>
        <span class="bar" aria-hidden="true">
          <span style={{ width: `${(value ?? 0) * 100}%` }} />
        </span>
        <span class="muted">{words}</span>
      </dd>
    </div>
  );
}

function Confusions({ name, facts }: { name: string; facts: NodeFacts }) {
  const most = facts.confusions[0]!.count;
  return (
    <section aria-labelledby="mixed">
      <h3 id="mixed">What it is mistaken for</h3>
      <p class="muted">Texts of {name} that the model put elsewhere.</p>
      <ul class="bars">
        {facts.confusions.map((one) => (
          <li key={one.id}>
            <a href={`#/explore/${one.id}`}>{one.path.join(" › ")}</a>
            <span class="bar is-wrong" aria-hidden="true">
              <span style={{ width: `${(one.count / most) * 100}%` }} />
            </span>
            <span class="count">{texts(one.count)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Examples({ facts }: { facts: NodeFacts }) {
  const wrong = facts.examples.filter((one) => !one.right);
  const [shown, show] = useState<"all" | "wrong">("all");
  return (
    <section aria-labelledby="examples">
      <h3 id="examples">Examples</h3>
      {wrong.length > 0 && wrong.length < facts.examples.length && (
        <p>
          <label>
            <input type="checkbox" checked={shown === "wrong"} onChange={() => show(shown === "wrong" ? "all" : "wrong")} />{" "}
            only those that went wrong
          </label>
        </p>
      )}
      <ul class="examples">
        {(shown === "wrong" ? wrong : facts.examples).map((one, i) => (
          <li key={i} class={one.right ? "is-right" : "is-wrong"}>
            <blockquote>{one.text}</blockquote>
            <p class="muted">
              <span class="mark">{one.right ? "✓ right" : "✗ wrong"}</span> {one.path.join(" › ") || "no answer"},{" "}
              {percent(one.probability)} sure
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}

export const percent = (share: number) => `${Math.round(share * 100)} %`;
export const texts = (count: number) => `${count.toLocaleString("en")} ${count === 1 ? "text" : "texts"}`;
