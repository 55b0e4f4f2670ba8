/** What the page knows: the JSON that Python wrote into it. Only what the script reads is named here. */

export interface Coverage {
  /** Asked-for accuracies in [0, 1], ascending. */
  readonly targets: readonly number[];
  /** Names of the shares, from "whole path" to "a person"; one list of shares a name, one share a target. */
  readonly names: readonly string[];
  readonly shares: readonly (readonly number[])[];
  /** The same in whole percents that sum to 100. */
  readonly shown: readonly (readonly number[])[];
  readonly sentences: readonly string[];
  readonly notes: readonly string[];
  /** The target that the page begins with. */
  readonly start: number;
}

export interface Tile {
  readonly name: string;
  readonly path: string;
  readonly support: number;
  readonly f1: number | null;
  /** Number of the top-level branch: the nodes of it are in the element `branch-<number>`. */
  readonly branch: number;
  readonly children?: readonly Tile[];
}

export interface Bins {
  readonly confidence: readonly number[];
  readonly right: readonly number[];
  readonly count: readonly number[];
}

export interface ReliabilityLevel {
  readonly level: number;
  readonly after: Bins;
  readonly before: Bins | null;
}

export interface Charts {
  readonly coverage: Coverage;
  readonly tiles: readonly Tile[];
  readonly reliability: readonly ReliabilityLevel[];
}

export function readCharts(): Charts {
  const block = document.getElementById("report-data");
  if (!block?.textContent) throw new Error("The page holds no data.");
  return (JSON.parse(block.textContent) as { charts: Charts }).charts;
}
