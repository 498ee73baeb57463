import thresholdsFile from "../../../../statemachines/thresholds.json";
import { type Band, place, type Placed, type Scale } from "./bands";

const WORDS: Readonly<Record<Band, string>> = {
  pass: "passes",
  refer: "a person looks",
  decline: "declined",
  resubmit: "to be sent again",
};

const WHY = new Map(thresholdsFile.map(({ name, reason }) => [name, reason]));

/** A score between the thresholds that bound it. */
export function ScoreBar({
  scale,
  value,
  thresholds,
  label = scale.label,
}: {
  readonly scale: Scale;
  readonly value: number;
  readonly thresholds: Readonly<Record<string, number>>;
  readonly label?: string;
}) {
  const bands = place(scale, thresholds);
  if (!bands) return <>{format(value)}</>;
  const to = Math.max(scale.to, value);
  const percent = (at: number) => `${(100 * Math.min(at, to)) / to}%`;
  const at = bandOf(bands, value);
  return (
    <div
      className="score"
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={to}
      aria-valuenow={value}
      aria-valuetext={`${format(value)}: ${WORDS[at]}. ${describe(bands)}`}
    >
      <div className="score-line" aria-hidden="true">
        <span className={`score-value ${at}`}>{format(value)}</span>
        <span className="secondary">{WORDS[at]}</span>
      </div>
      <div className="score-track" aria-hidden="true">
        {bands.map(({ band, from, to: end, threshold }, index) => (
          <span
            key={`${band}${from}`}
            className={`score-band ${band}`}
            style={{ left: percent(from), width: `${(100 * ((index === bands.length - 1 ? to : end) - from)) / to}%` }}
            title={threshold && `${WORDS[band]} from ${format(from)} (${threshold}): ${WHY.get(threshold) ?? ""}`}
          />
        ))}
        <span className="score-mark" style={{ left: percent(value) }} />
      </div>
      <div className="score-scale" aria-hidden="true">
        {bands.slice(1).map(({ from }) => (
          <span key={from} style={{ left: percent(from) }}>
            {format(from)}
          </span>
        ))}
      </div>
    </div>
  );
}

function bandOf(bands: readonly Placed[], value: number): Band {
  return bands.findLast(({ from }) => value >= from)?.band ?? bands[0]?.band ?? "refer";
}

function describe(bands: readonly Placed[]): string {
  return bands
    .map(({ band, from, to }, index) => `${WORDS[band]} ${index === bands.length - 1 ? `from ${format(from)}` : `below ${format(to)}`}`)
    .join(", ");
}

function format(value: number): string {
  return String(Math.round(value * 100) / 100);
}
