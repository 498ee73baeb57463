import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useDesk } from "../api";
import { type Column, Listing } from "../parts/Listing";
import { Problem } from "../parts/Problem";
import { duration, Time, timeOfDay } from "../time";
import type { Execution, Visit } from "./graph";
import { GraphView } from "./GraphView";
import { ExecutionStatus, StateStatusText } from "./Status";

/** While it runs, its state is asked for again. */
const POLL = 5000;

export function useExecution(execution: string) {
  const { api } = useDesk();
  return useQuery({
    queryKey: ["execution", execution],
    queryFn: () => api.ask(api.client.GET("/executions/{execution}", { params: { path: { execution } } })),
    refetchInterval: ({ state }) => (state.data?.status === "RUNNING" ? POLL : false),
  });
}

export function ExecutionPanel({ execution }: { readonly execution: string }) {
  const { data, error, refetch } = useExecution(execution);
  if (error) return <Problem error={error} title="The execution could not be read" retry={() => void refetch()} />;
  if (!data) return <Spinner size="large" />;
  return <Shown execution={data} />;
}

function Shown({ execution }: { readonly execution: Execution }) {
  const { config } = useDesk();
  // What failed is what the operator looks for.
  const [selected, setSelected] = useState(() => {
    const last = execution.visits.at(-1);
    return last === undefined || last.status === "SUCCEEDED" ? execution.startAt : last.state;
  });
  const [opened, setOpened] = useState<readonly string[]>([]);
  const { startedAt, stoppedAt, status, redrives, error, visits } = execution;
  const children = [...new Set(visits.flatMap(({ children }) => children))];
  const toggle = (child: string, isOpen: boolean) =>
    setOpened(isOpen ? [...opened.filter((other) => other !== child), child] : opened.filter((other) => other !== child));

  const open = (child: string) => {
    toggle(child, true);
    document.getElementById(child)?.scrollIntoView();
  };

  return (
    <SpaceBetween size="m">
      <Container>
        <KeyValuePairs
          columns={4}
          minColumnWidth={140}
          items={[
            { label: "Status", value: <ExecutionStatus status={status} /> },
            { label: "Started", value: <Time at={startedAt} /> },
            { label: "Took", value: stoppedAt ? lasted(startedAt, stoppedAt) : "still runs" },
            { label: "Redrives", value: redrives },
            ...(error === undefined ? [] : [{ label: "Error", value: <code>{error}</code> }]),
            ...(config.console === undefined
              ? []
              : [
                  {
                    label: "AWS",
                    value: (
                      <Link
                        external
                        href={config.console + execution.execution.replace("~", ":")}
                        externalIconAriaLabel="Opens in a new tab"
                      >
                        Step Functions console
                      </Link>
                    ),
                  },
                ]),
          ]}
        />
      </Container>
      <Container header={<Header variant="h2">Graph</Header>}>
        <div className="execution">
          <GraphView execution={execution} selected={selected} onSelect={setSelected} />
          <Details execution={execution} name={selected} onOpen={open} />
        </div>
      </Container>
      {children.length > 0 && (
        <Container
          header={
            <Header variant="h2" counter={`(${children.length})`}>
              Child executions
            </Header>
          }
        >
          {children.map((child) => (
            <ExpandableSection
              key={child}
              id={child}
              headerText={machineOf(child)}
              headerDescription={child}
              expanded={opened.includes(child)}
              onChange={({ detail }) => toggle(child, detail.expanded)}
            >
              {opened.includes(child) && <ExecutionPanel execution={child} />}
            </ExpandableSection>
          ))}
        </Container>
      )}
      <Visits execution={execution} />
    </SpaceBetween>
  );
}

function machineOf(execution: string): string {
  return execution.split("~")[0] ?? execution;
}

function lasted(from: string, to: string): string {
  return duration((Date.parse(to) - Date.parse(from)) / 1000);
}

/** What a state is for, where it leads, and what happened there. */
function Details({
  execution,
  name,
  onOpen,
}: {
  readonly execution: Execution;
  readonly name: string | undefined;
  readonly onOpen: (child: string) => void;
}) {
  const state = execution.states.find((state) => state.name === name);
  if (!state) return null;
  const visits = execution.visits.filter((visit) => visit.state === name);
  const ways = execution.edges.filter(({ from }) => from === name);
  return (
    <section className="state-details" aria-label={`State ${state.name}`} aria-live="polite">
      <h3>{state.name}</h3>
      <div className="secondary">{state.type}</div>
      {state.comment && <p>{state.comment}</p>}
      {visits.length === 0 && <StateStatusText status="NOT_REACHED" />}
      {visits.map((visit, index) => (
        <div key={index} className="value">
          <StateStatusText status={visit.status} />
          <span className="secondary">
            {timeOfDay(visit.enteredAt)}
            {visit.leftAt && `, took ${lasted(visit.enteredAt, visit.leftAt)}`}
            {visit.attempts > 1 && `, ${visit.attempts} attempts`}
            {visit.isRedriven && ", redriven"}
          </span>
          <Errors visit={visit} />
          {visit.children.map((child) => (
            <Button key={child} variant="inline-link" onClick={() => onOpen(child)} ariaLabel={`Open the child execution ${child}`}>
              Open {machineOf(child)}
            </Button>
          ))}
        </div>
      ))}
      {ways.length > 0 && (
        <>
          <h4>Leads to</h4>
          <ul className="plain">
            {ways.map(({ to, kind, label }, index) => (
              <li key={index}>
                <strong>{to}</strong>
                {kind === "catch" && " after an error"}
                {kind === "default" && " otherwise"}
                {label && <div className="secondary">{label}</div>}
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function Errors({ visit: { errors, causes } }: { readonly visit: Visit }) {
  if (errors.length === 0 && causes.length === 0) return null;
  return (
    <ul className="plain">
      {[...new Set(errors)].map((error) => (
        <li key={error}>
          <code>{error}</code>
          {errors.length > 1 && <span className="secondary"> ×{errors.filter((other) => other === error).length}</span>}
        </li>
      ))}
      {causes.map((cause) => (
        <li key={cause} className="secondary">
          {cause}
        </li>
      ))}
    </ul>
  );
}

interface Row extends Visit {
  readonly number: number;
}

const COLUMNS: readonly [Column<Row>, ...Column<Row>[]] = [
  {
    id: "state",
    header: "State",
    width: 230,
    cell: ({ number, state, isRedriven }) => (
      <>
        <span className="secondary">{number}</span> {state}
        {isRedriven && <span className="secondary"> redriven</span>}
      </>
    ),
  },
  { id: "status", header: "Status", width: 150, cell: ({ status }) => <StateStatusText status={status} /> },
  { id: "entered", header: "Entered", width: 140, cell: ({ enteredAt }) => timeOfDay(enteredAt) },
  {
    id: "took",
    header: "Took",
    width: 110,
    cell: ({ enteredAt, leftAt }) => (leftAt === undefined ? "–" : lasted(enteredAt, leftAt)),
  },
  { id: "attempts", header: "Attempts", width: 100, cell: ({ attempts }) => (attempts === 0 ? "–" : attempts) },
  {
    id: "errors",
    header: "Errors",
    cell: (visit) => (visit.errors.length + visit.causes.length === 0 ? "–" : <Errors visit={visit} />),
  },
];

function Visits({ execution: { visits } }: { readonly execution: Execution }) {
  return (
    <Listing
      label="visits of states"
      items={visits.map((visit, index) => ({ ...visit, number: index + 1 }))}
      columns={COLUMNS}
      keyOf={({ number }) => String(number)}
      empty="No state was entered yet."
      header={
        <Header variant="h2" counter={`(${visits.length})`}>
          Visits
        </Header>
      }
    />
  );
}
