import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Link from "@cloudscape-design/components/link";
import Select, { type SelectProps } from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { type Schemas, useDesk } from "../api";
import { POLL } from "../openCount";
import { useFilters } from "../parts/filters";
import { type Column, FIRST_PAGE, Listing, Pager } from "../parts/Listing";
import { Outcome } from "../parts/Outcome";
import { Problem } from "../parts/Problem";
import { ReasonList } from "../parts/ReasonList";
import { REASONS } from "../reasons";
import type { operations } from "../schema";
import { Time } from "../time";

type Application = Schemas["ApplicationSummary"];

const ANY: SelectProps.Option = { value: "", label: "Any" };

type OutcomeFilter = NonNullable<NonNullable<operations["list-applications"]["parameters"]["query"]>["outcome"]>;

interface OutcomeOption extends SelectProps.Option {
  readonly value: OutcomeFilter | "";
}

const ANY_OUTCOME: OutcomeOption = { value: "", label: "Any" };

const OUTCOMES: readonly OutcomeOption[] = [
  ANY_OUTCOME,
  { value: "approved", label: "Approved" },
  { value: "declined", label: "Declined" },
  { value: "referred", label: "Referred" },
  { value: "resubmit", label: "To be sent again" },
  { value: "failed", label: "Failed", description: "The system could not judge" },
  { value: "none", label: "None yet", description: "In progress, in review, or waits for an upload" },
];

const REASON_OPTIONS: readonly SelectProps.Option[] = [
  ANY,
  ...[...REASONS.values()].map(({ code, meaning }) => ({ value: code, label: code, description: meaning })),
];

const HOUR = 3_600_000;
const SINCE: readonly SelectProps.Option[] = [
  ANY,
  { value: "1", label: "The last hour" },
  { value: "24", label: "The last day" },
  { value: "168", label: "The last 7 days" },
  { value: "720", label: "The last 30 days" },
];

/** What the API takes for the beginning of an id. */
const ID_START = /^[A-Za-z0-9_-]{1,64}$/;
const TYPING = 400;

export default function Applications() {
  const { api } = useDesk();
  const [search, setFilter] = useFilters();
  const [pages, setPages] = useState(FIRST_PAGE);
  const page = pages.known[pages.index];
  const find = <Option extends SelectProps.Option>(options: readonly Option[], name: string) =>
    options.find(({ value }) => value === (search.get(name) ?? "")) ?? options[0];
  const outcome = find(OUTCOMES, "outcome") ?? ANY_OUTCOME;
  const reason = find(REASON_OPTIONS, "reason") ?? ANY;
  const since = find(SINCE, "since") ?? ANY;
  const idStart = search.get("id") ?? "";
  const isIdValid = idStart === "" || ID_START.test(idStart);

  const choose = (name: string, value: string | undefined) => {
    setPages(FIRST_PAGE);
    setFilter(name, value);
  };

  const query = {
    ...(outcome.value ? { outcome: outcome.value } : {}),
    ...(reason.value ? { reason: reason.value } : {}),
    ...(idStart && isIdValid ? { idStart } : {}),
    ...(page ? { page } : {}),
    limit: 25,
  };
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ["applications", query, since.value],
    queryFn: () => {
      const from = since.value ? { since: new Date(Date.now() - Number(since.value) * HOUR).toISOString() } : {};
      return api.ask(api.client.GET("/applications", { params: { query: { ...query, ...from } } }));
    },
    refetchInterval: POLL,
    refetchOnWindowFocus: "always",
    placeholderData: (previous) => previous,
  });

  return (
    <SpaceBetween size="m">
      {error && <Problem error={error} title="The applications could not be listed" retry={() => void refetch()} />}
      <Listing
        label="applications"
        variant="full-page"
        items={data?.applications ?? []}
        columns={COLUMNS}
        keyOf={({ applicationId }) => applicationId}
        isLoading={!data && !error}
        empty="There are no such applications."
        header={
          <Header
            variant="awsui-h1-sticky"
            description="The latest change is first."
            actions={
              <Button iconName="refresh" ariaLabel="Ask again for the applications" loading={isFetching} onClick={() => void refetch()} />
            }
          >
            Applications
          </Header>
        }
        filter={
          <div className="filters">
            <IdStart value={idStart} isInvalid={!isIdValid} onChange={(value) => choose("id", value)} />
            <Select
              selectedOption={outcome}
              options={OUTCOMES}
              inlineLabelText="Outcome"
              onChange={({ detail }) => choose("outcome", detail.selectedOption.value)}
            />
            <Select
              selectedOption={reason}
              options={REASON_OPTIONS}
              inlineLabelText="Reason"
              filteringType="auto"
              filteringAriaLabel="Find a reason"
              onChange={({ detail }) => choose("reason", detail.selectedOption.value)}
            />
            <Select
              selectedOption={since}
              options={SINCE}
              inlineLabelText="Changed in"
              onChange={({ detail }) => choose("since", detail.selectedOption.value)}
            />
          </div>
        }
        pagination={<Pager pages={pages} next={data?.nextPage} onChange={setPages} label="applications" />}
      />
    </SpaceBetween>
  );
}

function IdStart({
  value,
  isInvalid,
  onChange,
}: {
  readonly value: string;
  readonly isInvalid: boolean;
  readonly onChange: (value: string) => void;
}) {
  const [typed, setTyped] = useState(value);
  useEffect(() => {
    if (typed === value) return undefined;
    const timer = setTimeout(() => onChange(typed), TYPING);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <Input
      type="search"
      value={typed}
      invalid={isInvalid}
      ariaLabel="Beginning of the application's id"
      placeholder="Beginning of the id"
      clearAriaLabel="Clear the id"
      spellcheck={false}
      onChange={({ detail }) => setTyped(detail.value.trim())}
    />
  );
}

const COLUMNS: readonly [Column<Application>, ...Column<Application>[]] = [
  {
    id: "application",
    header: "Application",
    width: 210,
    cell: ({ applicationId }) => <Link href={`#/applications/${applicationId}`}>{applicationId}</Link>,
  },
  { id: "outcome", header: "Outcome", width: 190, cell: ({ outcome, status }) => <Outcome outcome={outcome} status={status} /> },
  { id: "reasons", header: "Reasons", cell: ({ reasons }) => <ReasonList codes={reasons} /> },
  { id: "changed", header: "Changed", width: 150, cell: ({ updatedAt }) => <Time at={updatedAt} /> },
  {
    id: "received",
    header: "Received",
    width: 150,
    cell: ({ receivedAt }) => (receivedAt === undefined ? "–" : <Time at={receivedAt} />),
  },
  {
    id: "execution",
    header: "Execution",
    width: 110,
    cell: ({ execution, applicationId }) =>
      execution === undefined ? (
        "–"
      ) : (
        <Link href={`#/executions/${execution}`}>
          Graph<span className="visually-hidden"> of {applicationId}</span>
        </Link>
      ),
  },
];
