import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import Icon, { type IconProps } from "@cloudscape-design/components/icon";
import Link from "@cloudscape-design/components/link";
import { Fragment, type ReactNode } from "react";
import type { CaseAnswer, Schemas } from "../api";
import { ReasonList } from "../parts/ReasonList";
import { Reviewer } from "../parts/Reviewer";
import { AddNote } from "./AddNote";
import { Time } from "../time";

interface Entry {
  readonly at: string;
  readonly icon: IconProps.Name;
  readonly text: ReactNode;
}

const ENDS = { approve: "Approved", decline: "Declined", resubmit: "Asked for better evidence", expired: "Ended without a decision" };

/** What has happened with the application and with this case, the latest first. */
export function Timeline({ answer, onNoted }: { readonly answer: CaseAnswer; readonly onNoted: (note: Schemas["Note"]) => void }) {
  const { case: own, submissions, notes, decision } = answer;
  const entries: Entry[] = submissions.map(({ submissionId, kind, attempt, receivedAt, status, outcome, execution }) => ({
    at: receivedAt,
    icon: "upload",
    text: (
      <>
        Submission {attempt ?? ""}: {kind}, {outcome ?? status.toLowerCase().replaceAll("_", " ")}
        {submissionId === own.submissionId && <strong> (this one)</strong>}
        {execution && (
          <>
            {" "}
            · <Link href={`#/executions/${execution}`}>execution</Link>
          </>
        )}
      </>
    ),
  }));
  entries.push({ at: own.openedAt, icon: "folder-open", text: "The case was opened" });
  for (const { by, at, text } of notes) {
    entries.push({
      at,
      icon: "contact",
      text: (
        <>
          <Reviewer sub={by} />: <span className="note">{text}</span>
        </>
      ),
    });
  }
  if (own.firstApproval) {
    entries.push({
      at: own.firstApproval.at,
      icon: "status-positive",
      text: (
        <>
          First approval by <Reviewer sub={own.firstApproval.by} />
        </>
      ),
    });
  }
  if (decision) {
    entries.push({
      at: decision.at,
      icon: decision.outcome === "approve" ? "status-positive" : "status-stopped",
      text: (
        <>
          {ENDS[decision.outcome]}
          {decision.reviewers.map((sub, index) => (
            <Fragment key={sub}>
              {index === 0 ? " by " : " and "}
              <Reviewer sub={sub} />
            </Fragment>
          ))}
          {decision.reasons.length > 0 && <ReasonList codes={decision.reasons} />}
        </>
      ),
    });
  }
  entries.sort((left, right) => right.at.localeCompare(left.at));
  return (
    <Container header={<Header variant="h2">Timeline</Header>}>
      <ol className="timeline">
        {entries.map(({ at, icon, text }, index) => (
          <li key={index}>
            <Icon name={icon} />
            <div>
              {text}
              <div className="secondary">
                <Time at={at} inline />
              </div>
            </div>
          </li>
        ))}
      </ol>
      {own.status === "OPEN" && (
        <Box padding={{ top: "m" }}>
          <AddNote answer={answer} onAdded={onNoted} />
        </Box>
      )}
    </Container>
  );
}
