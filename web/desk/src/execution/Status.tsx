import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";
import type { Schemas } from "../api";
import type { StateStatus } from "./graph";

export const STATES: Readonly<Record<StateStatus, { type: StatusIndicatorProps.Type; text: string; mark: string }>> = {
  SUCCEEDED: { type: "success", text: "Succeeded", mark: "✓" },
  CAUGHT: { type: "warning", text: "Caught error", mark: "!" },
  FAILED: { type: "error", text: "Failed", mark: "✕" },
  TIMED_OUT: { type: "error", text: "Timed out", mark: "✕" },
  ABORTED: { type: "stopped", text: "Aborted", mark: "–" },
  RUNNING: { type: "in-progress", text: "Running", mark: "…" },
  NOT_REACHED: { type: "pending", text: "Not reached", mark: "" },
};

export function StateStatusText({ status }: { readonly status: StateStatus }) {
  const { type, text } = STATES[status];
  return (
    <StatusIndicator type={type} {...(status === "RUNNING" ? { colorOverride: "blue" as const } : {})}>
      {text}
    </StatusIndicator>
  );
}

export function ExecutionStatus({ status }: { readonly status: Schemas["ExecutionAnswer"]["status"] }) {
  if (status === "PENDING_REDRIVE") return <StatusIndicator type="pending">Pending redrive</StatusIndicator>;
  return <StateStatusText status={status} />;
}
