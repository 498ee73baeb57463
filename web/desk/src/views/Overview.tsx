import Alert from "@cloudscape-design/components/alert";
import BarChart from "@cloudscape-design/components/bar-chart";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useSearchParams } from "react-router";
import { type Schemas, useDesk } from "../api";
import { type Column, Listing } from "../parts/Listing";
import { Problem } from "../parts/Problem";
import { meaning } from "../reasons";
import { duration, Time } from "../time";

type Answer = Schemas["OverviewAnswer"];

const PERIODS = [
  { id: "7", text: "7 days" },
  { id: "30", text: "30 days" },
  { id: "90", text: "90 days" },
];

/** In the order of the stack, with the colours of the outcomes. */
const OUTCOMES = [
  { id: "approved", title: "Approved", color: "var(--success)" },
  { id: "referred", title: "Referred", color: "var(--warning)" },
  { id: "resubmit", title: "To be sent again", color: "var(--info)" },
  { id: "declined", title: "Declined", color: "var(--error)" },
  { id: "failed", title: "Failed", color: "var(--text)" },
  { id: "none", title: "None yet", color: "var(--inactive)" },
];

const DAY = 86_400_000;
/** The reasons of the chart; all are in the table below. */
const MOST_REASONS = 10;

export default function Overview() {
  const { api } = useDesk();
  const [search, setSearch] = useSearchParams();
  const period = PERIODS.find(({ id }) => id === search.get("days")) ?? PERIODS[1]!;
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ["overview", period.id],
    queryFn: () => api.ask(api.client.GET("/overview", { params: { query: { days: Number(period.id) } } })),
    placeholderData: (previous) => previous,
  });
  return (
    <SpaceBetween size="m">
      <Header
        variant="h1"
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <SegmentedControl
              label="Period"
              selectedId={period.id}
              options={PERIODS}
              onChange={({ detail }) => setSearch({ days: detail.selectedId })}
            />
            <Button iconName="refresh" ariaLabel="Ask again for the overview" loading={isFetching} onClick={() => void refetch()} />
          </SpaceBetween>
        }
      >
        Overview
      </Header>
      {error && <Problem error={error} title="The overview could not be read" retry={() => void refetch()} />}
      {!data && !error && <Spinner size="large" />}
      {data && <Shown answer={data} />}
    </SpaceBetween>
  );
}

function Shown({ answer }: { readonly answer: Answer }) {
  return (
    <SpaceBetween size="m">
      {!answer.isComplete && (
        <Alert type="info">There are more applications or cases than one answer counts: the latest are counted.</Alert>
      )}
      <Figures answer={answer} />
      <OutcomesByDay answer={answer} />
      <div className="halves">
        <Reasons answer={answer} />
        <Waits waits={answer.waits} />
      </div>
      <Decisions decisions={answer.decisions} />
    </SpaceBetween>
  );
}

function Figures({ answer: { days, openCases, oldestCaseOpenedAt, waits } }: { readonly answer: Answer }) {
  const judged = days.flatMap(({ outcomes }) => Object.entries(outcomes)).filter(([outcome]) => outcome !== "none");
  const applications = judged.reduce((sum, [, count]) => sum + count, 0);
  return (
    <Container>
      <KeyValuePairs
        columns={4}
        minColumnWidth={150}
        items={[
          { label: "Cases that wait", value: <Big>{openCases}</Big> },
          { label: "The oldest waits since", value: oldestCaseOpenedAt ? <Time at={oldestCaseOpenedAt} /> : "–" },
          { label: "Median wait for a decision", value: <Big>{waits.length > 0 ? duration(quantile(waits, 0.5)) : "–"}</Big> },
          {
            label: "Referral rate",
            value: (
              <>
                <Big>{percent(waits.length + openCases, applications + openCases)}</Big>
                <div className="secondary">cases against applications of these days</div>
              </>
            ),
          },
        ]}
      />
    </Container>
  );
}

function Big({ children }: { readonly children: ReactNode }) {
  return (
    <Box variant="span" fontSize="heading-l" fontWeight="bold">
      {children}
    </Box>
  );
}

const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });

function OutcomesByDay({ answer: { days, from } }: { readonly answer: Answer }) {
  const counted = new Map(days.map(({ date, outcomes }) => [date, outcomes]));
  const dates: string[] = [];
  for (let time = Date.parse(from); time <= Date.now(); time += DAY) dates.push(new Date(time).toISOString().slice(0, 10));
  const series = OUTCOMES.filter(({ id }) => days.some(({ outcomes }) => outcomes[id])).map(({ id, title, color }) => ({
    type: "bar" as const,
    title,
    color,
    data: dates.map((date) => ({ x: date, y: counted.get(date)?.[id] ?? 0 })),
  }));
  return (
    <Container
      header={
        <Header variant="h2" description="Applications by the day of their last change.">
          Outcomes
        </Header>
      }
    >
      <BarChart
        ariaLabel="Outcomes by day"
        stackedBars
        hideFilter
        height={220}
        xScaleType="categorical"
        xDomain={dates}
        xTitle="Day (UTC)"
        yTitle="Applications"
        i18nStrings={{ xTickFormatter: (date) => DATE.format(Date.parse(date)), yTickFormatter: whole }}
        series={series}
        empty={<Empty>No application has changed in these days.</Empty>}
      />
    </Container>
  );
}

function Reasons({ answer: { reasons } }: { readonly answer: Answer }) {
  const totals = new Map<string, number>();
  for (const { reason, count } of reasons) totals.set(reason, (totals.get(reason) ?? 0) + count);
  const codes = [...totals]
    .toSorted(([, left], [, right]) => right - left)
    .slice(0, MOST_REASONS)
    .map(([reason]) => reason);
  const series = OUTCOMES.map(({ id, title, color }) => ({
    type: "bar" as const,
    title,
    color,
    data: codes.map((code) => ({
      x: code,
      y: reasons.find(({ reason, outcome }) => reason === code && outcome === id)?.count ?? 0,
    })),
  })).filter(({ data }) => data.some(({ y }) => y > 0));
  return (
    <Container
      fitHeight
      header={
        <Header variant="h2" description={`The ${MOST_REASONS} most frequent, by outcome.`}>
          Reasons
        </Header>
      }
    >
      <BarChart
        ariaLabel="Reasons by outcome"
        horizontalBars
        stackedBars
        hideFilter
        height={Math.max(120, 34 * codes.length)}
        xScaleType="categorical"
        xDomain={codes}
        yTitle="Applications"
        i18nStrings={{ yTickFormatter: whole }}
        series={series}
        empty={<Empty>No application has a reason.</Empty>}
      />
    </Container>
  );
}

const HOUR = 3600;
/** Upper bounds of the columns, in seconds. */
const WAITS: readonly [string, number][] = [
  ["< 1 h", HOUR],
  ["1–4 h", 4 * HOUR],
  ["4–24 h", 24 * HOUR],
  ["1–3 d", 72 * HOUR],
  ["3–7 d", 168 * HOUR],
  ["> 7 d", Infinity],
];

function Waits({ waits }: { readonly waits: readonly number[] }) {
  const columns = WAITS.map(([x, to], index) => ({
    x,
    y: waits.filter((wait) => wait < to && wait >= (WAITS[index - 1]?.[1] ?? 0)).length,
  }));
  return (
    <Container
      fitHeight
      header={
        <Header
          variant="h2"
          description={
            waits.length > 0
              ? `Half within ${duration(quantile(waits, 0.5))}, nine of ten within ${duration(quantile(waits, 0.9))}.`
              : "From the opening of a case to its decision."
          }
        >
          Waiting times
        </Header>
      }
    >
      <BarChart
        ariaLabel="Cases by the time until their decision"
        hideFilter
        hideLegend
        height={220}
        xScaleType="categorical"
        xDomain={WAITS.map(([name]) => name)}
        yTitle="Cases"
        i18nStrings={{ yTickFormatter: whole }}
        series={waits.length > 0 ? [{ type: "bar", title: "Cases", data: columns }] : []}
        empty={<Empty>No case was decided in these days.</Empty>}
      />
    </Container>
  );
}

interface Row {
  readonly reason: string;
  readonly approve: number;
  readonly decline: number;
  readonly resubmit: number;
  readonly expired: number;
  readonly all: number;
}

const COLUMNS: readonly [Column<Row>, ...Column<Row>[]] = [
  {
    id: "reason",
    header: "Doubt",
    cell: ({ reason }) => (
      <>
        <code>{reason}</code>
        <div className="secondary">{meaning(reason)}</div>
      </>
    ),
  },
  { id: "rate", header: "Approved of all", width: 130, cell: ({ approve, all }) => <strong>{percent(approve, all)}</strong> },
  { id: "approve", header: "Approved", width: 110, cell: ({ approve }) => approve },
  { id: "decline", header: "Declined", width: 110, cell: ({ decline }) => decline },
  { id: "resubmit", header: "To be sent again", width: 140, cell: ({ resubmit }) => resubmit },
  { id: "expired", header: "Not decided in time", width: 150, cell: ({ expired }) => expired },
];

function Decisions({ decisions }: { readonly decisions: Answer["decisions"] }) {
  const rows = new Map<string, Record<"approve" | "decline" | "resubmit" | "expired", number>>();
  for (const { reason, decision, count } of decisions) {
    const row = rows.get(reason) ?? { approve: 0, decline: 0, resubmit: 0, expired: 0 };
    row[decision] += count;
    rows.set(reason, row);
  }
  const items = [...rows]
    .map(([reason, row]) => ({ reason, ...row, all: row.approve + row.decline + row.resubmit + row.expired }))
    .toSorted((left, right) => right.all - left.all);
  return (
    <Listing
      label="decisions by doubt"
      items={items}
      columns={COLUMNS}
      keyOf={({ reason }) => reason}
      empty="No case was decided in these days."
      header={
        <Header variant="h2" description="A doubt that reviewers nearly always approve may have too strict a threshold.">
          Decisions by doubt
        </Header>
      }
    />
  );
}

function Empty({ children }: { readonly children: string }) {
  return (
    <Box textAlign="center" color="text-body-secondary">
      {children}
    </Box>
  );
}

function whole(value: number): string {
  return Number.isInteger(value) ? String(value) : "";
}

function percent(part: number, all: number): string {
  return all === 0 ? "–" : `${Math.round((100 * part) / all)} %`;
}

/** Of ascending values. */
function quantile(values: readonly number[], part: number): number {
  return values[Math.min(values.length - 1, Math.floor(values.length * part))] ?? 0;
}
