/** Branches and their children as tiles: as large as they have texts, coloured by F1. */

import { draw, PAPER, tooltip } from "./charts";
import type { Tile } from "./data";
import { byId, lines, percent } from "./dom";
import { openBranch } from "./branches";

/** Five steps of F1, as in the legend; `--f1-<step>` and `--on-f1-<step>` hold the colours. */
const STEPS = 5;

/** In pixels. */
const NARROW = 48;

interface Item {
  name: string;
  value: number;
  tile: Tile;
  itemStyle: { color: string };
  label: { color: string };
  children?: Item[];
}

export function showTiles(tiles: readonly Tile[]): void {
  const place = byId("tree-map");
  if (!place || tiles.length === 0) return;
  const chart = draw(place, {
    tooltip: { ...tooltip, formatter: (item: { data?: Item }) => (item.data?.tile ? tipOf(item.data.tile) : "") },
    series: [
      {
        type: "treemap",
        roam: false,
        nodeClick: false,
        breadcrumb: { show: false },
        width: "100%",
        height: "100%",
        top: 0,
        left: 0,
        right: 0,
        bottom: 0,
        visibleMin: 30,
        emphasis: { disabled: true },
        // A tile that is too narrow for four letters says its name in the tooltip alone.
        labelLayout: ({ rect }: { rect: { width: number } }) => (rect.width < NARROW ? { fontSize: 0 } : {}),
        label: { formatter: labelOf, overflow: "truncate", ellipsis: "…", fontSize: 12 },
        upperLabel: { show: true, height: 22, overflow: "truncate", ellipsis: "…", fontSize: 12, fontWeight: 600, formatter: labelOf },
        itemStyle: { borderColor: PAPER, borderWidth: 1, gapWidth: 1 },
        levels: [{ itemStyle: { borderWidth: 0, gapWidth: 4 } }, { itemStyle: { borderWidth: 2, gapWidth: 1 } }, {}],
        data: tiles.map(itemOf),
      },
    ],
  });
  chart.on("click", (event) => {
    const data = event.data as Partial<Item> | undefined;
    if (data?.tile) openBranch(data.tile.branch);
  });
}

function itemOf(tile: Tile): Item {
  const step = tile.f1 === null ? "none" : String(Math.min(STEPS - 1, Math.floor(STEPS * tile.f1)));
  const on = `var(--on-f1-${step})`;
  const item: Item = {
    name: tile.name,
    value: tile.support,
    tile,
    itemStyle: { color: `var(--f1-${step})`, ...(tile.children && { borderColor: `var(--f1-${step})` }) },
    label: { color: on },
  };
  return tile.children ? { ...item, ...{ upperLabel: { color: on } }, children: tile.children.map(itemOf) } : item;
}

function labelOf(item: { data?: unknown }): string {
  const tile = (item.data as Partial<Item> | undefined)?.tile;
  if (!tile) return "";
  return tile.f1 === null ? tile.name : `${tile.name} ${Math.round(100 * tile.f1)}`;
}

function tipOf(tile: Tile): HTMLElement {
  const f1 = tile.f1 === null ? "no F1" : `F1 ${percent(tile.f1)}`;
  return lines(tile.path, `${f1}, ${tile.support} texts`);
}
