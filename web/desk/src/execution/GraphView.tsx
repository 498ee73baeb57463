import ButtonGroup from "@cloudscape-design/components/button-group";
import { useEffect, useMemo, useRef, useState } from "react";
import { draw, END_NODE, type Execution, NODE, START_NODE, statuses } from "./graph";
import { STATES } from "./Status";

const ZOOMS = [0.5, 0.65, 0.8, 1, 1.25, 1.5];

/** The graph of the machine. Each state is a button that shows its details. */
export function GraphView({
  execution,
  selected,
  onSelect,
}: {
  readonly execution: Execution;
  readonly selected: string | undefined;
  readonly onSelect: (state: string) => void;
}) {
  const drawing = useMemo(() => draw(execution), [execution]);
  const reached = useMemo(() => statuses(execution), [execution]);
  const [zoom, setZoom] = useState(3);
  const scale = ZOOMS[zoom] ?? 1;
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const box = frame.current;
    const state = drawing.states.find(({ name }) => name === selected);
    if (!box || !state) return;
    box.scrollLeft = state.x * scale - box.clientWidth / 2;
    box.scrollTop = state.y * scale - box.clientHeight / 2;
    // Once: afterwards the reviewer moves it.
  }, []);
  const known = new Map(execution.states.map((state) => [state.name, state]));

  return (
    <div className="graph">
      <div className="graph-head">
        <ul className="legend" aria-label="Colours of the states">
          {(["SUCCEEDED", "FAILED", "CAUGHT", "RUNNING", "NOT_REACHED"] as const).map((status) => (
            <li key={status} className={`state ${status}`}>
              {STATES[status].text}
            </li>
          ))}
        </ul>
        <ButtonGroup
          variant="icon"
          ariaLabel="Size of the graph"
          onItemClick={({ detail }) => setZoom(Math.max(0, Math.min(ZOOMS.length - 1, zoom + (detail.id === "in" ? 1 : -1))))}
          items={[
            { type: "icon-button", id: "out", iconName: "zoom-out", text: "Smaller", disabled: zoom === 0 },
            { type: "icon-button", id: "in", iconName: "zoom-in", text: "Larger", disabled: zoom === ZOOMS.length - 1 },
          ]}
        />
      </div>
      <div ref={frame} className="graph-frame" tabIndex={0} role="group" aria-label={`Graph of ${execution.machine}`}>
        <div className="graph-canvas" style={{ width: drawing.width, height: drawing.height, zoom: scale }}>
          <svg width={drawing.width} height={drawing.height} aria-hidden="true" focusable="false">
            <defs>
              {["", "taken", "caught"].map((kind) => (
                <marker
                  key={kind}
                  id={`arrow${kind}`}
                  className={`arrow ${kind}`}
                  viewBox="0 0 8 8"
                  refX="7"
                  refY="4"
                  markerWidth={kind === "" ? 7 : 11}
                  markerHeight={kind === "" ? 7 : 11}
                  markerUnits="userSpaceOnUse"
                  orient="auto-start-reverse"
                >
                  <path d="M0,0 L8,4 L0,8 z" />
                </marker>
              ))}
            </defs>
            {drawing.edges
              .toSorted((left, right) => Number(left.isTaken) - Number(right.isTaken))
              .map(({ from, to, isCatch, isTaken, path }) => {
                const kind = isTaken ? (isCatch ? "caught" : "taken") : "";
                return (
                  <path
                    key={`${from} ${to} ${isCatch}`}
                    className={`edge ${kind} ${isCatch ? "catch" : ""}`}
                    d={path}
                    markerEnd={`url(#arrow${kind})`}
                  />
                );
              })}
          </svg>
          {drawing.states
            .toSorted((left, right) => left.y - right.y || left.x - right.x)
            .map(({ name, x, y }) => {
              if (name === START_NODE || name === END_NODE) {
                return (
                  <span key={name} className="terminal" style={{ left: x, top: y }} aria-hidden="true">
                    {name === START_NODE ? "Start" : "End"}
                  </span>
                );
              }
              const status = reached.get(name) ?? "NOT_REACHED";
              const visits = execution.visits.filter(({ state }) => state === name);
              const hasChildren = visits.some(({ children }) => children.length > 0);
              const { type = "Task" } = known.get(name) ?? {};
              return (
                <button
                  key={name}
                  type="button"
                  className={`state ${status} ${type}`}
                  style={{ left: x, top: y, width: NODE.width, height: NODE.height }}
                  aria-pressed={selected === name}
                  onClick={() => onSelect(name)}
                >
                  <span className="state-mark" aria-hidden="true">
                    {STATES[status].mark}
                  </span>
                  <span className="state-name">{name}</span>
                  <span className="state-kind">
                    {[type, hasChildren && "child", visits.length > 1 && `${visits.length} visits`].filter(Boolean).join(", ")}
                    <span className="visually-hidden">, {STATES[status].text}</span>
                  </span>
                </button>
              );
            })}
        </div>
      </div>
    </div>
  );
}
