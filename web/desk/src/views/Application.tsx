import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import { type Schemas, type Summary, useDesk } from "../api";
import { CheckList } from "../case/Checks";
import { type Column, Listing } from "../parts/Listing";
import { OpenAgain } from "../parts/OpenAgain";
import { Outcome } from "../parts/Outcome";
import { Problem } from "../parts/Problem";
import { ReasonList } from "../parts/ReasonList";
import { Time } from "../time";
import { Approval, Claim } from "./Queue";

/** While a submission is judged, its state is asked for again. */
const POLL = 5000;

export default function Application() {
  const { applicationId = "" } = useParams();
  const { api } = useDesk();
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ["application", applicationId],
    queryFn: () => api.ask(api.client.GET("/applications/{applicationId}", { params: { path: { applicationId } } })),
    refetchInterval: ({ state }) => (state.data?.application.status === "IN_PROGRESS" ? POLL : false),
  });
  const again = () => void refetch();

  return (
    <SpaceBetween size="m">
      <Header
        variant="h1"
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            {(data ? waysOf(data.application) : []).map((way) => (
              <OpenAgain key={way} way={way} applicationId={applicationId} onDone={again} />
            ))}
            <Button iconName="refresh" ariaLabel="Ask again for the application" loading={isFetching} onClick={again} />
          </SpaceBetween>
        }
      >
        Application {applicationId}
      </Header>
      {error && <Problem error={error} title="The application could not be read" retry={again} />}
      {!data && !error && <Spinner size="large" />}
      {data && (
        <SpaceBetween size="m">
          <Container>
            <KeyValuePairs
              columns={4}
              minColumnWidth={150}
              items={[
                {
                  label: "Outcome",
                  value: <Outcome outcome={data.application.outcome} status={data.application.status} />,
                },
                { label: "Reasons", value: <ReasonList codes={data.application.reasons} /> },
                { label: "Received", value: data.application.receivedAt ? <Time at={data.application.receivedAt} /> : "–" },
                { label: "Changed", value: <Time at={data.application.updatedAt} /> },
              ]}
            />
          </Container>
          <Listing
            label="cases"
            items={data.cases.toReversed()}
            columns={CASES}
            keyOf={({ caseId }) => caseId}
            empty="No person had to look at this application."
            header={
              <Header variant="h2" counter={`(${data.cases.length})`}>
                Cases
              </Header>
            }
          />
          {data.submissions.toReversed().map((submission) => (
            <Submission key={submission.submissionId} submission={submission} />
          ))}
        </SpaceBetween>
      )}
    </SpaceBetween>
  );
}

/** An approval is final, and reviewers and executions come first. Another person may have used up the attempts of an open application. */
function waysOf({ status, outcome }: Schemas["ApplicationSummary"]): readonly ("reopen" | "appeal")[] {
  if (outcome === "declined") return ["reopen", "appeal"];
  return status === "OPEN" || outcome === "referred" || outcome === "resubmit" ? ["reopen"] : [];
}

const CASES: readonly [Column<Summary>, ...Column<Summary>[]] = [
  {
    id: "case",
    header: "Case",
    width: 200,
    cell: ({ applicationId, caseId }) => <Link href={`#/cases/${applicationId}/${caseId}`}>{caseId}</Link>,
  },
  { id: "status", header: "Status", width: 110, cell: ({ status }) => status.charAt(0) + status.slice(1).toLowerCase() },
  { id: "opened", header: "Opened", width: 150, cell: ({ openedAt }) => <Time at={openedAt} /> },
  { id: "decided", header: "Decided", width: 150, cell: ({ decidedAt }) => (decidedAt ? <Time at={decidedAt} /> : "–") },
  { id: "reasons", header: "Doubts", cell: ({ reasons }) => <ReasonList codes={reasons} /> },
  {
    id: "reviewers",
    header: "Reviewers",
    width: 220,
    cell: (item) => (
      <div className="value">
        <Claim item={item} />
        <Approval item={item} />
      </div>
    ),
  },
];

function Submission({
  submission: { submissionId, kind, attempt, status, outcome, reasons, receivedAt, decidedAt, execution, checks, failure, consent },
}: {
  readonly submission: Schemas["Submission"];
}) {
  return (
    <Container
      header={
        <Header
          variant="h2"
          actions={execution && <Button href={`#/executions/${execution}`}>Execution</Button>}
          description={<span className="id">{submissionId}</span>}
        >
          Submission{attempt === undefined ? "" : ` ${attempt}`}: {kind}
        </Header>
      }
    >
      <SpaceBetween size="m">
        <KeyValuePairs
          columns={4}
          minColumnWidth={150}
          items={[
            { label: "Outcome", value: <Outcome outcome={outcome} status={status} /> },
            { label: "Reasons", value: <ReasonList codes={reasons} /> },
            { label: "Received", value: <Time at={receivedAt} /> },
            { label: "Decided", value: decidedAt ? <Time at={decidedAt} /> : "–" },
            ...(consent
              ? [
                  {
                    label: "Consent",
                    value: (
                      <>
                        {consent.version}, <Time at={consent.at} />
                      </>
                    ),
                  },
                ]
              : []),
            ...(failure
              ? [
                  {
                    label: "Failure",
                    value: (
                      <>
                        {failure.state && <div>at {failure.state}</div>}
                        {failure.reason && <ReasonList codes={[failure.reason]} />}
                        {failure.error && <code>{failure.error}</code>}
                      </>
                    ),
                  },
                ]
              : []),
          ]}
        />
        {checks.length > 0 && <CheckList checks={checks} />}
      </SpaceBetween>
    </Container>
  );
}
