import Badge from "@cloudscape-design/components/badge";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import Toggle from "@cloudscape-design/components/toggle";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useParams } from "react-router";
import { type CaseAnswer, type Schemas, useDesk } from "../api";
import { DUPLICATE } from "../case/bands";
import { Checks } from "../case/Checks";
import { Decision } from "../case/Decision";
import { Fields } from "../case/Fields";
import { Picture } from "../case/Picture";
import { ScoreBar } from "../case/ScoreBar";
import { Timeline } from "../case/Timeline";
import { useIsNarrow } from "../parts/narrow";
import { Problem } from "../parts/Problem";
import { ReasonList } from "../parts/ReasonList";
import { Time } from "../time";
import { Approval, Claim } from "./Queue";

export default function Case() {
  const { applicationId = "", caseId = "" } = useParams();
  // Another case begins with nothing of the one before.
  return <OneCase key={`${applicationId}/${caseId}`} applicationId={applicationId} caseId={caseId} />;
}

function OneCase({ applicationId, caseId }: { readonly applicationId: string; readonly caseId: string }) {
  const { api } = useDesk();
  const queries = useQueryClient();
  const isNarrow = useIsNarrow();
  const queryKey = ["case", applicationId, caseId];
  // Each look is recorded, so it is asked for once, and again only when the reviewer asks.
  const { data, error, isFetching, refetch } = useQuery({
    queryKey,
    queryFn: () => api.ask(api.client.GET("/cases/{applicationId}/{caseId}", { params: { path: { applicationId, caseId } } })),
  });
  const again = () => void refetch();
  const change = (change: (answer: CaseAnswer) => CaseAnswer) =>
    queries.setQueryData<CaseAnswer>(queryKey, (answer) => answer && change(answer));

  return (
    <SpaceBetween size="m">
      <Header
        variant="h1"
        info={data && <StatusBadge status={data.case.status} />}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            {isNarrow && data && <Button onClick={() => document.getElementById("decision")?.scrollIntoView()}>Decision</Button>}
            <Button href={`#/applications/${applicationId}`}>Application</Button>
            <Button iconName="refresh" ariaLabel="Ask again for the case and its pictures" loading={isFetching} onClick={again} />
          </SpaceBetween>
        }
      >
        Case of {applicationId}
      </Header>
      {error && <Problem error={error} title="The case could not be read" retry={again} />}
      {!data && !error && <Spinner size="large" />}
      {data && <Evidence answer={data} onReload={again} onChange={change} />}
    </SpaceBetween>
  );
}

function StatusBadge({ status }: { readonly status: CaseAnswer["case"]["status"] }) {
  if (status === "OPEN") return <Badge color="blue">Waiting</Badge>;
  return <Badge color={status === "DECIDED" ? "green" : "grey"}>{status === "DECIDED" ? "Decided" : "Closed"}</Badge>;
}

function Evidence({
  answer,
  onReload,
  onChange,
}: {
  readonly answer: CaseAnswer;
  readonly onReload: () => void;
  readonly onChange: (change: (answer: CaseAnswer) => CaseAnswer) => void;
}) {
  const { case: own, reasons, attempt, attemptsLeft, evidence, duplicates, thresholds } = answer;
  const sentences = new Map(reasons.map(({ code, meaning }) => [code, meaning]));
  return (
    <div className="case">
      <div className="case-evidence">
        <SpaceBetween size="m">
          <Container>
            <KeyValuePairs
              columns={4}
              minColumnWidth={140}
              items={[
                { label: "Waits since", value: <Time at={own.openedAt} /> },
                { label: "Due", value: <Time at={own.dueAt} /> },
                { label: "Attempt", value: `${attempt}${attemptsLeft ? "" : ", the last one"}` },
                { label: "Submission", value: <SubmissionLink answer={answer} /> },
                { label: "Claim", value: <Claim item={own} /> },
                { label: "Approval", value: <Approval item={own} /> },
              ]}
            />
          </Container>
          <Container header={<Header variant="h2">Doubts</Header>}>
            <ReasonList codes={reasons.map(({ code }) => code)} sentence={(code) => sentences.get(code) ?? ""} />
          </Container>
          <Pictures evidence={evidence} onReload={onReload} />
          {duplicates.length > 0 && (
            <Duplicates duplicates={duplicates} own={evidence.selfie} thresholds={thresholds} onReload={onReload} />
          )}
          <Fields answer={answer} />
          <Checks checks={answer.checks} thresholds={thresholds} />
        </SpaceBetween>
      </div>
      <div className="case-side" id="decision">
        <SpaceBetween size="m">
          <Decision answer={answer} onChange={(change) => onChange((answer) => ({ ...answer, case: change(answer.case) }))} />
          <Timeline answer={answer} onNoted={(note) => onChange((answer) => ({ ...answer, notes: [...answer.notes, note] }))} />
        </SpaceBetween>
      </div>
    </div>
  );
}

function Pictures({
  evidence: { selfie, document, documentBack },
  onReload,
}: {
  readonly evidence: CaseAnswer["evidence"];
  readonly onReload: () => void;
}) {
  const [isFaceShown, setFaceShown] = useState(false);
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="Zoom with + and −, turn with [ and ], move with the arrow keys."
          actions={
            <SpaceBetween direction="horizontal" size="xs" alignItems="center">
              {selfie?.face && document?.face && (
                <Toggle checked={isFaceShown} onChange={({ detail }) => setFaceShown(detail.checked)}>
                  Compare the faces
                </Toggle>
              )}
              <Button iconName="refresh" onClick={onReload}>
                Load again
              </Button>
            </SpaceBetween>
          }
        >
          Pictures
        </Header>
      }
    >
      <div className="pictures">
        <Picture picture={selfie} label="Selfie" isFaceShown={isFaceShown} onReload={onReload} />
        <Picture picture={document} label="Document, front" isFaceShown={isFaceShown} onReload={onReload} />
        {documentBack && <Picture picture={documentBack} label="Document, back" onReload={onReload} />}
      </div>
    </Container>
  );
}

function SubmissionLink({ answer: { case: own, submissions } }: { readonly answer: CaseAnswer }) {
  const execution = submissions.find(({ submissionId }) => submissionId === own.submissionId)?.execution;
  const text = <span className="id">{own.submissionId}</span>;
  return execution ? (
    <>
      {text} <Link href={`#/executions/${execution}`}>Execution</Link>
    </>
  ) : (
    text
  );
}

function Duplicates({
  duplicates,
  own,
  thresholds,
  onReload,
}: {
  readonly duplicates: readonly Schemas["Duplicate"][];
  readonly own: Schemas["Picture"] | undefined;
  readonly thresholds: CaseAnswer["thresholds"];
  readonly onReload: () => void;
}) {
  return (
    <Container
      header={
        <Header variant="h2" counter={`(${duplicates.length})`} description="Your approval says that they belong to other people.">
          Faces of other applications
        </Header>
      }
    >
      <SpaceBetween size="m">
        {duplicates.map(({ faceId, applicationId, similarity, outcome, selfie }) => (
          <section key={faceId} aria-label={`Face of ${applicationId ?? "an unknown application"}`}>
            <div className="check-head">
              <h3>{applicationId ? <Link href={`#/applications/${applicationId}`}>{applicationId}</Link> : "An unknown application"}</h3>
              {outcome && <Badge>{outcome}</Badge>}
              <span className="secondary id">face {faceId}</span>
            </div>
            {similarity !== undefined && <ScoreBar scale={DUPLICATE} value={similarity} thresholds={thresholds} />}
            <div className="pictures faces">
              <Picture picture={own} label="Selfie here" onReload={onReload} />
              <Picture picture={selfie} label={`Selfie of ${applicationId ?? "the other"}`} onReload={onReload} />
            </div>
          </section>
        ))}
      </SpaceBetween>
    </Container>
  );
}
