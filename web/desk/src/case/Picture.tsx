import ButtonGroup from "@cloudscape-design/components/button-group";
import { type KeyboardEvent, type PointerEvent, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Schemas } from "../api";

const MOST_ZOOM = 8;
const STEP = 1.5;
/** How much of the frame a face fills. */
const FACE_PART = 0.7;

/** A picture of the evidence, with zoom and turn. The enlarged picture is moved with the pointer or the arrow keys. */
export function Picture({
  picture,
  label,
  isFaceShown = false,
  onReload,
}: {
  readonly picture: Schemas["Picture"] | undefined;
  readonly label: string;
  /** Whether the compared face is to fill the frame. */
  readonly isFaceShown?: boolean;
  /** Asks for new addresses: each lives for a minute. */
  readonly onReload: () => void;
}) {
  const [zoom, setZoom] = useState(1);
  const [turn, setTurn] = useState(0);
  const [failed, setFailed] = useState<string>();
  const frame = useRef<HTMLDivElement>(null);
  const image = useRef<HTMLImageElement>(null);
  const centre = useRef({ x: 0.5, y: 0.5 });
  const grip = useRef<{ x: number; y: number; left: number; top: number }>(undefined);

  // What was in the middle stays there.
  useLayoutEffect(() => {
    const box = frame.current;
    if (!box) return;
    box.scrollLeft = centre.current.x * box.scrollWidth - box.clientWidth / 2;
    box.scrollTop = centre.current.y * box.scrollHeight - box.clientHeight / 2;
  }, [zoom]);

  const change = (next: number) => {
    const box = frame.current;
    if (box) {
      centre.current = {
        x: (box.scrollLeft + box.clientWidth / 2) / box.scrollWidth,
        y: (box.scrollTop + box.clientHeight / 2) / box.scrollHeight,
      };
    }
    setZoom(Math.min(MOST_ZOOM, Math.max(1, next)));
  };
  const face = picture?.face;
  const showFace = () => {
    const box = frame.current;
    const { naturalWidth = 0, naturalHeight = 0 } = image.current ?? {};
    if (!box || !face || naturalWidth === 0) return;
    // The picture is within the frame, so it has a margin on two sides.
    const scale = Math.min(box.clientWidth / naturalWidth, box.clientHeight / naturalHeight);
    const part = (start: number, length: number, natural: number, whole: number) => ({
      middle: 0.5 + ((start + length / 2 - 0.5) * natural * scale) / whole,
      size: (length * natural * scale) / whole,
    });
    const x = part(face.left, face.width, naturalWidth, box.clientWidth);
    const y = part(face.top, face.height, naturalHeight, box.clientHeight);
    centre.current = { x: x.middle, y: y.middle };
    setTurn(0);
    setZoom(Math.min(MOST_ZOOM, Math.max(1, FACE_PART / Math.max(x.size, y.size))));
  };
  const showWhole = () => {
    centre.current = { x: 0.5, y: 0.5 };
    setTurn(0);
    setZoom(1);
  };
  const isFirst = useRef(true);
  useEffect(() => {
    if (!isFirst.current) (isFaceShown ? showFace : showWhole)();
    isFirst.current = false;
  }, [isFaceShown]);

  const act = (id: string) => {
    if (id === "in") change(zoom * STEP);
    if (id === "out") change(zoom / STEP);
    if (id === "left") setTurn((turn) => turn - 90);
    if (id === "right") setTurn((turn) => turn + 90);
    if (id === "reset") showWhole();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const id = { "+": "in", "=": "in", "-": "out", "0": "reset", "[": "left", "]": "right" }[event.key];
    if (id === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act(id);
  };
  const onPointerDown = (event: PointerEvent<HTMLDivElement>) => {
    // A finger scrolls without help.
    if (event.pointerType !== "mouse" || event.button !== 0) return;
    const { scrollLeft: left, scrollTop: top } = event.currentTarget;
    grip.current = { x: event.clientX, y: event.clientY, left, top };
    event.currentTarget.setPointerCapture(event.pointerId);
  };
  const onPointerMove = (event: PointerEvent<HTMLDivElement>) => {
    if (!grip.current) return;
    event.currentTarget.scrollLeft = grip.current.left + grip.current.x - event.clientX;
    event.currentTarget.scrollTop = grip.current.top + grip.current.y - event.clientY;
  };

  const quarter = ((turn / 90) % 4) + 4;
  return (
    <figure className="picture">
      <figcaption>
        <strong>{label}</strong>
        {picture && (
          <ButtonGroup
            variant="icon"
            ariaLabel={`Zoom and turn: ${label}`}
            onItemClick={({ detail }) => act(detail.id)}
            items={[
              { type: "icon-button", id: "out", iconName: "zoom-out", text: "Smaller (−)", disabled: zoom <= 1 },
              { type: "icon-button", id: "in", iconName: "zoom-in", text: "Larger (+)", disabled: zoom >= MOST_ZOOM },
              { type: "icon-button", id: "left", iconName: "undo", text: "Turn left ([)" },
              { type: "icon-button", id: "right", iconName: "redo", text: "Turn right (])" },
              { type: "icon-button", id: "reset", iconName: "zoom-to-fit", text: "As it was (0)" },
            ]}
          />
        )}
      </figcaption>
      {!picture && <div className="picture-none secondary">There is none.</div>}
      {picture && failed === picture.url && (
        <div className="picture-none" role="alert">
          <span>
            The picture could not be loaded: its address is valid for a minute only.{" "}
            <button type="button" className="link" onClick={onReload}>
              Ask for it again
            </button>
          </span>
        </div>
      )}
      {picture && failed !== picture.url && (
        <div
          ref={frame}
          className="picture-frame"
          tabIndex={0}
          role="group"
          aria-label={`${label}, ${Math.round(zoom * 100)} %${quarter % 4 ? `, turned by ${(quarter % 4) * 90} degrees` : ""}`}
          aria-keyshortcuts="+ - 0 [ ]"
          onKeyDown={onKeyDown}
          onPointerDown={onPointerDown}
          onPointerMove={onPointerMove}
          onPointerUp={() => (grip.current = undefined)}
          onPointerCancel={() => (grip.current = undefined)}
        >
          <div className="picture-stage" style={{ width: `${zoom * 100}%`, height: `${zoom * 100}%` }}>
            <img
              ref={image}
              className={quarter % 2 ? "sideways" : ""}
              style={{ transform: `translate(-50%, -50%) rotate(${turn}deg)` }}
              src={picture.url}
              alt={label}
              draggable={false}
              referrerPolicy="no-referrer"
              onError={() => setFailed(picture.url)}
            />
          </div>
        </div>
      )}
    </figure>
  );
}
