/** The slider: which accuracy is asked for, and what share of the texts can then do without a person. */

import type { EChartsType } from "echarts/core";
import { draw, INK, shareAxis, tooltip } from "./charts";
import type { Coverage } from "./data";
import { byId, lines, percent } from "./dom";

export function showCoverage(coverage: Coverage): void {
  const slider = byId<HTMLInputElement>("target");
  const box = byId("slider");
  const place = byId("coverage-chart");
  if (!slider || !box || !place) return;
  box.hidden = false;
  const chart = drawShares(place, coverage);
  slider.addEventListener("input", () => tell(coverage, Number(slider.value), chart));
  tell(coverage, coverage.start, chart);
}

function tell(coverage: Coverage, at: number, chart: EChartsType): void {
  const target = coverage.targets[at] ?? 1;
  const slider = byId<HTMLInputElement>("target");
  if (slider) {
    slider.value = String(at);
    slider.setAttribute("aria-valuetext", percent(target, 1));
  }
  say("target-shown", percent(target, 1));
  say("target-sentence", coverage.sentences[at]);
  say("target-note", coverage.notes[at]);
  coverage.names.forEach((_, i) => {
    const part = byId(`share-${i}`);
    if (part) part.style.flexGrow = String(coverage.shares[i]?.[at] ?? 0);
    say(`share-number-${i}`, `${coverage.shown[i]?.[at] ?? 0}\u00a0%`);
  });
  chart.setOption({ series: [{ id: "share-0", markLine: { data: [{ xAxis: target }] } }] });
}

function say(id: string, text = ""): void {
  const element = byId(id);
  if (element) element.textContent = text;
}

function drawShares(place: HTMLElement, coverage: Coverage): EChartsType {
  const low = coverage.targets[0] ?? 0;
  return draw(place, {
    grid: { left: 52, right: 16, top: 16, bottom: 46 },
    tooltip: { ...tooltip, trigger: "axis", formatter: (points: unknown) => tipOf(coverage, points) },
    xAxis: { ...shareAxis("Accuracy asked for", low, 1), nameGap: 28, splitLine: { show: false } },
    yAxis: { ...shareAxis("", 0, 1) },
    series: coverage.names.map((name, i) => ({
      id: `share-${i}`,
      name,
      type: "line",
      stack: "all",
      step: "start",
      symbol: "none",
      silent: true,
      lineStyle: { width: 0 },
      areaStyle: { color: `var(--share-${i})`, opacity: 1 },
      itemStyle: { color: `var(--share-${i})` },
      data: coverage.targets.map((target, t) => [target, coverage.shares[i]?.[t] ?? 0]),
      ...(i === 0 && { markLine: asked }),
    })),
  });
}

const asked = {
  silent: true,
  symbol: "none",
  label: { show: false },
  lineStyle: { color: INK, width: 2, type: "solid" },
  data: [],
};

function tipOf(coverage: Coverage, points: unknown): HTMLElement {
  const at = Array.isArray(points) ? Number((points[0] as { dataIndex?: number } | undefined)?.dataIndex ?? 0) : 0;
  const shares = coverage.names.map((name, i) => `${coverage.shown[i]?.[at] ?? 0}\u00a0% ${name}`);
  return lines(`${percent(coverage.targets[at] ?? 1, 1)} accuracy asked for`, ...shares);
}
