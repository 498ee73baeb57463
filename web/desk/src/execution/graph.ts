/** Where the states of a machine are drawn, and which way the execution has taken. */

import { Graph, layout } from "@dagrejs/dagre";
import type { Schemas } from "../api";

export type Execution = Schemas["ExecutionAnswer"];
export type Visit = Schemas["Visit"];
export type StateStatus = Visit["status"] | "NOT_REACHED";

export const NODE = { width: 176, height: 44 };
const END = 26;
const MARGIN = 12;

interface Point {
  readonly x: number;
  readonly y: number;
}

export const START_NODE = "\0start";
export const END_NODE = "\0end";

export interface PlacedState {
  readonly name: string;
  /** The middle. */
  readonly x: number;
  readonly y: number;
}

export interface PlacedEdge {
  readonly from: string;
  readonly to: string;
  readonly isCatch: boolean;
  readonly isTaken: boolean;
  /** The path of SVG. */
  readonly path: string;
}

export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly states: readonly PlacedState[];
  readonly edges: readonly PlacedEdge[];
}

/** The states from top to bottom. Several transitions between two states are one line. */
export function draw(execution: Execution): Drawing {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: "TB", nodesep: 28, ranksep: 38, edgesep: 16, marginx: MARGIN, marginy: MARGIN });
  graph.setDefaultEdgeLabel(() => ({}));
  graph.setNode(START_NODE, { width: END, height: END });
  for (const { name } of execution.states) graph.setNode(name, { ...NODE });
  graph.setNode(END_NODE, { width: END, height: END });

  const taken = takenPaths(execution);
  const edges = new Map<string, { from: string; to: string; isCatch: boolean; isTaken: boolean }>();
  // Direct transitions are drawn the straightest.
  const connect = (from: string, to: string, isCatch: boolean, isDirect: boolean) => {
    const key = `${from}\n${to}\n${isCatch}`;
    edges.set(key, { from, to, isCatch, isTaken: taken.has(key) });
    graph.setEdge(from, to, { weight: isDirect ? 3 : 1 }, key);
  };
  connect(START_NODE, execution.startAt, false, true);
  for (const { from, to, kind } of execution.edges) connect(from, to, kind === "catch", kind === "next");
  for (const { name, isEnd, type } of execution.states)
    if (isEnd || type === "Succeed" || type === "Fail") connect(name, END_NODE, false, true);
  layout(graph);

  const placed = [...edges].map(([key, edge]) => {
    const { points } = graph.edge(edge.from, edge.to, key) as { points: Point[] };
    return { ...edge, points };
  });
  // The layout counts only states, and lines may go around them.
  const xs = placed.flatMap(({ points }) => points.map(({ x }) => x));
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  const left = Math.min(0, ...xs.map((x) => x - MARGIN));
  const right = Math.max(width, ...xs.map((x) => x + MARGIN));
  return {
    width: right - left,
    height,
    states: graph.nodes().map((name) => {
      const { x, y } = graph.node(name) as Point;
      return { name, x: x - left, y };
    }),
    edges: placed.map(({ points, ...edge }) => ({ ...edge, path: curve(points.map(({ x, y }) => ({ x: x - left, y }))) })),
  };
}

/** The transitions that the execution has made, as keys of `draw`. */
function takenPaths({ startAt, visits, status }: Execution): Set<string> {
  const taken = new Set<string>();
  const first = visits[0];
  if (first) taken.add(`${START_NODE}\n${startAt}\nfalse`);
  visits.forEach(({ state, status }, index) => {
    const next = visits[index + 1];
    // A redriven execution enters the state again that failed.
    if (next && !next.isRedriven) taken.add(`${state}\n${next.state}\n${status === "CAUGHT"}`);
  });
  const last = visits.at(-1);
  if (last && (status === "SUCCEEDED" || last.status === "SUCCEEDED")) taken.add(`${last.state}\n${END_NODE}\nfalse`);
  return taken;
}

/** A line through the points that bends softly. */
function curve(points: readonly Point[]): string {
  const [start, ...others] = points;
  if (!start) return "";
  let path = `M${start.x},${start.y}`;
  others.forEach((point, index) => {
    const next = others[index + 1];
    path += next ? ` Q${point.x},${point.y} ${(point.x + next.x) / 2},${(point.y + next.y) / 2}` : ` L${point.x},${point.y}`;
  });
  return path;
}

/** How the last visit of each state ended. */
export function statuses({ states, visits }: Execution): ReadonlyMap<string, StateStatus> {
  const all = new Map<string, StateStatus>(states.map(({ name }) => [name, "NOT_REACHED"]));
  for (const { state, status } of visits) all.set(state, status);
  return all;
}
