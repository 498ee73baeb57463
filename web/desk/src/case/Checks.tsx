import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";
import type { CheckResult } from "../api";
import { ReasonList } from "../parts/ReasonList";
import { Time } from "../time";
import { FIELDS, place, scaleOf } from "./bands";
import { ScoreBar } from "./ScoreBar";

export const CHECKS: Readonly<Record<string, string>> = {
  package: "Package",
  identityVerification: "Identity verification",
  identityCompare: "Identity comparison",
  documentExtraction: "Document extraction",
  thirdPartyCheck: "Licence verification",
};

const OUTCOMES: Readonly<Record<CheckResult["outcome"], { type: StatusIndicatorProps.Type; text: string }>> = {
  pass: { type: "success", text: "passed" },
  refer: { type: "warning", text: "in doubt" },
  resubmit: { type: "stopped", text: "to be sent again" },
  decline: { type: "error", text: "declined" },
};

export function CheckOutcome({ outcome }: { readonly outcome: CheckResult["outcome"] }) {
  const { type, text } = OUTCOMES[outcome];
  return <StatusIndicator type={type}>{text}</StatusIndicator>;
}

type Thresholds = Readonly<Record<string, number>>;

/** The checks of a case, with their scores between the thresholds of its execution. */
export function Checks({ checks, thresholds }: { readonly checks: readonly CheckResult[]; readonly thresholds: Thresholds }) {
  return (
    <Container
      header={
        <Header variant="h2" description="Each score between the thresholds of this execution.">
          Checks
        </Header>
      }
    >
      <CheckList checks={checks} thresholds={thresholds} />
    </Container>
  );
}

/** Checks with their reasons and scores: as bars where the thresholds are known. */
export function CheckList({ checks, thresholds = {} }: { readonly checks: readonly CheckResult[]; readonly thresholds?: Thresholds }) {
  return (
    <SpaceBetween size="m">
      {checks.map((check) => (
        <section key={check.check} className="check" aria-label={CHECKS[check.check] ?? check.check}>
          <div className="check-head">
            <h3>{CHECKS[check.check] ?? check.check}</h3>
            <CheckOutcome outcome={check.outcome} />
            <span className="secondary">
              <Time at={check.at} inline />
            </span>
          </div>
          {check.reasons.length > 0 && <ReasonList codes={check.reasons} />}
          <Scores check={check} thresholds={thresholds} />
        </section>
      ))}
    </SpaceBetween>
  );
}

function Scores({ check: { check, scores }, thresholds }: { readonly check: CheckResult; readonly thresholds: Thresholds }) {
  const entries = Object.entries(scores);
  if (entries.length === 0) return null;
  const hasBars = entries.some(([name]) => {
    const scale = scaleOf(check, name);
    return scale && place(scale, thresholds);
  });
  const bars = (
    <ColumnLayout columns={hasBars ? 2 : 4} minColumnWidth={hasBars ? 220 : 160}>
      {entries.map(([name, value]) => {
        const scale = scaleOf(check, name);
        return (
          <div key={name}>
            <div>{scale?.label ?? FIELDS[name]?.label ?? name}</div>
            {scale ? <ScoreBar scale={scale} value={value} thresholds={thresholds} /> : <strong>{Math.round(value * 100) / 100}</strong>}
          </div>
        );
      })}
    </ColumnLayout>
  );
  if (entries.length <= 4) return bars;
  return <ExpandableSection headerText={`${entries.length} scores`}>{bars}</ExpandableSection>;
}
