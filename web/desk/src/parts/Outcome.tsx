import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";

const OUTCOMES: Readonly<Record<string, { type: StatusIndicatorProps.Type; text: string }>> = {
  approved: { type: "success", text: "Approved" },
  declined: { type: "error", text: "Declined" },
  resubmit: { type: "stopped", text: "To be sent again" },
  referred: { type: "warning", text: "Referred" },
  FAILED: { type: "error", text: "Failed" },
  IN_REVIEW: { type: "pending", text: "In review" },
  IN_PROGRESS: { type: "in-progress", text: "In progress" },
  OPEN: { type: "pending", text: "Waits for an upload" },
};

/** The outcome of an application or a submission; without one, its status. */
export function Outcome({ outcome, status }: { readonly outcome?: string | undefined; readonly status: string }) {
  const { type, text } = OUTCOMES[outcome ?? status] ?? { type: "info" as const, text: outcome ?? status };
  return <StatusIndicator type={type}>{text}</StatusIndicator>;
}
