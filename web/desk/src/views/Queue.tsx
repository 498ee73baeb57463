import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import Select, { type SelectProps } from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Summary, useDesk } from "../api";
import { POLL } from "../openCount";
import { useFilters } from "../parts/filters";
import { type Column, FIRST_PAGE, Listing, Pager } from "../parts/Listing";
import { Problem } from "../parts/Problem";
import { ReasonList } from "../parts/ReasonList";
import { Reviewer } from "../parts/Reviewer";
import { REASONS } from "../reasons";
import { absolute, clock, relative, Time, useNow } from "../time";

type Status = Summary["status"];

const STATUSES = [
  { value: "OPEN", label: "Waiting", description: "Waits for a decision, or for the second approval" },
  { value: "DECIDED", label: "Decided", description: "Decided, and the execution has not taken the decision yet" },
  { value: "CLOSED", label: "Closed", description: "The execution has taken the decision, or the time was over" },
] as const satisfies readonly (SelectProps.Option & { value: Status })[];

const ANY_REASON: SelectProps.Option = { value: "", label: "Any doubt" };
const REASON_OPTIONS: SelectProps.Option[] = [
  ANY_REASON,
  ...[...REASONS.values()]
    .filter((reason) => reason.class !== "technical")
    .map(({ code, meaning }) => ({ value: code, label: code, description: meaning })),
];

const KINDS = { package: "Package", selfie: "Selfie", document: "Document" };

export function Queue() {
  const { api } = useDesk();
  const [search, setFilter] = useFilters();
  const status = STATUSES.find(({ value }) => value === search.get("status")) ?? STATUSES[0];
  const reason = REASON_OPTIONS.find(({ value }) => value === search.get("reason")) ?? ANY_REASON;
  const [pages, setPages] = useState(FIRST_PAGE);
  const page = pages.known[pages.index];

  const query = { status: status.value, ...(reason.value ? { reason: reason.value } : {}), ...(page ? { page } : {}), limit: 25 };
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ["cases", query],
    queryFn: () => api.ask(api.client.GET("/cases", { params: { query } })),
    refetchInterval: POLL,
    refetchOnWindowFocus: "always",
    placeholderData: (previous) => previous,
  });

  const choose = (name: string, value: string | undefined) => {
    setPages(FIRST_PAGE);
    setFilter(name, value);
  };

  return (
    <SpaceBetween size="m">
      {error && <Problem error={error} title="The cases could not be listed" retry={() => void refetch()} />}
      <Listing
        label="cases"
        variant="full-page"
        items={data?.cases ?? []}
        columns={COLUMNS}
        keyOf={({ applicationId, caseId }) => `${applicationId}/${caseId}`}
        isLoading={!data && !error}
        empty={status.value === "OPEN" ? "No case waits for a decision." : "There are no such cases."}
        header={
          <Header
            variant="awsui-h1-sticky"
            description="Submissions about which the checks have doubts. The oldest is first."
            actions={<Button iconName="refresh" ariaLabel="Ask again for the cases" loading={isFetching} onClick={() => void refetch()} />}
          >
            Queue
          </Header>
        }
        filter={
          <div className="filters">
            <Select
              selectedOption={status}
              options={STATUSES}
              inlineLabelText="Status"
              onChange={({ detail }) => choose("status", detail.selectedOption.value)}
            />
            <Select
              selectedOption={reason}
              options={REASON_OPTIONS}
              inlineLabelText="Doubt"
              filteringType="auto"
              filteringAriaLabel="Find a doubt"
              onChange={({ detail }) => choose("reason", detail.selectedOption.value)}
            />
          </div>
        }
        pagination={<Pager pages={pages} next={data?.nextPage} onChange={setPages} label="cases" />}
      />
    </SpaceBetween>
  );
}

const COLUMNS: readonly [Column<Summary>, ...Column<Summary>[]] = [
  {
    id: "case",
    header: "Application",
    width: 200,
    cell: ({ applicationId, caseId, kind }) => (
      <>
        <Link href={`#/cases/${applicationId}/${caseId}`}>{applicationId}</Link>
        <div className="secondary">
          {KINDS[kind]} · <span className="id">{caseId}</span>
        </div>
      </>
    ),
  },
  { id: "since", header: "Waits since", width: 145, cell: ({ openedAt }) => <Time at={openedAt} /> },
  { id: "due", header: "Due", width: 140, cell: (item) => <Due item={item} /> },
  { id: "reasons", header: "Doubts", cell: ({ reasons }) => <ReasonList codes={reasons} /> },
  {
    id: "reviewers",
    header: "Reviewers",
    width: 235,
    cell: (item) => (
      <div className="value">
        <Claim item={item} />
        <Approval item={item} />
      </div>
    ),
  },
];

const URGENT = 2 * 86_400_000;

function Due({ item: { status, dueAt, decidedAt } }: { readonly item: Summary }) {
  const now = useNow();
  if (status !== "OPEN") {
    return decidedAt ? (
      <>
        Decided <Time at={decidedAt} />
      </>
    ) : (
      <StatusIndicator type="stopped">Ended without a decision</StatusIndicator>
    );
  }
  const isUrgent = Date.parse(dueAt) - now < URGENT;
  return (
    <>
      {isUrgent ? <StatusIndicator type="warning">{relative(dueAt, now)}</StatusIndicator> : relative(dueAt, now)}
      <div className="secondary">{absolute(dueAt)}</div>
    </>
  );
}

export function Claim({ item: { status, claim } }: { readonly item: Summary }) {
  const { session } = useDesk();
  const now = useNow();
  if (status !== "OPEN") return "–";
  if (!claim || Date.parse(claim.until) <= now) return <StatusIndicator type="pending">Free</StatusIndicator>;
  return (
    <StatusIndicator type={claim.by === session.me ? "success" : "in-progress"} colorOverride={claim.by === session.me ? "green" : "blue"}>
      <Reviewer sub={claim.by} /> until {clock(claim.until)}
    </StatusIndicator>
  );
}

export function Approval({ item: { secondReviewerNeeded, firstApproval } }: { readonly item: Summary }) {
  const { session } = useDesk();
  if (!firstApproval) return <div>{secondReviewerNeeded ? "Two have to approve" : "One is enough"}</div>;
  return (
    <div>
      <StatusIndicator type={firstApproval.by === session.me ? "pending" : "info"}>Second approval needed</StatusIndicator>
      <div className="secondary">
        First: <Reviewer sub={firstApproval.by} />, <Time at={firstApproval.at} inline />
      </div>
    </div>
  );
}
