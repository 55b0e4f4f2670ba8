/** One reliability diagram a level: the probability that was said, and the share that was right. */

import { draw, INK, MARK, shareAxis, SOFT, tooltip } from "./charts";
import type { Bins, ReliabilityLevel } from "./data";
import { byId, lines, percent } from "./dom";

const LEAST = 5;
const MOST = 20;

export function showReliability(levels: readonly ReliabilityLevel[]): void {
  for (const level of levels) {
    const place = byId(`reliability-${level.level}`);
    if (place) drawLevel(place, level);
  }
}

function drawLevel(place: HTMLElement, level: ReliabilityLevel): void {
  const series: Record<string, unknown>[] = [diagonal()];
  if (level.before) series.push(...curve("before", level.before, SOFT, "diamond", "dashed"));
  series.push(...curve(level.before ? "after" : "measured", level.after, MARK, "circle", "solid"));
  draw(place, {
    grid: { left: 52, right: 14, top: 14, bottom: 46 },
    tooltip: { ...tooltip, trigger: "item", formatter: tipOf },
    xAxis: { ...shareAxis("Probability said", 0, 1), nameGap: 28 },
    yAxis: { ...shareAxis("", 0, 1) },
    series,
  });
}

function diagonal(): Record<string, unknown> {
  return {
    type: "line",
    silent: true,
    symbol: "none",
    lineStyle: { color: INK, width: 1, type: "dotted" },
    data: [[0, 0], [1, 1]],
  };
}

function curve(name: string, bins: Bins, color: string, symbol: string, dash: string): Record<string, unknown>[] {
  const points = bins.confidence.map((said, i) => [said, bins.right[i] ?? 0, bins.count[i] ?? 0]);
  const most = Math.max(1, ...bins.count);
  return [
    { type: "line", silent: true, symbol: "none", lineStyle: { color, width: 2, type: dash }, data: points },
    {
      type: "scatter",
      name,
      symbol,
      // By area: a bin of four times the texts has four times the ink.
      symbolSize: (point: number[]) => LEAST + (MOST - LEAST) * Math.sqrt((point[2] ?? 0) / most),
      itemStyle: { color, opacity: 0.85 },
      emphasis: { disabled: true },
      data: points,
    },
  ];
}

function tipOf(point: { seriesName?: string; value?: unknown }): HTMLElement {
  const [said, right, count] = point.value as [number, number, number];
  return lines(`${count} texts (${point.seriesName})`, `said: ${percent(said, 1)}`, `right: ${percent(right, 1)}`);
}
