import Alert, { type AlertProps } from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Checkbox from "@cloudscape-design/components/checkbox";
import Link from "@cloudscape-design/components/link";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { type Schemas, useDesk } from "../api";
import { Problem } from "../parts/Problem";

type Answer = Schemas["ReplayAnswer"];

/** What would be done, and the button that does it. */
const ACTIONS: Readonly<Record<Answer["action"], { type: AlertProps.Type; plan: string; button?: string }>> = {
  redrive: { type: "info", plan: "The execution would be resumed at the state that failed.", button: "Redrive" },
  fresh: { type: "info", plan: "The same upload would be judged again, as a submission of its own.", button: "Replay from the beginning" },
  nothing: { type: "success", plan: "There is nothing to do." },
  impossible: { type: "warning", plan: "It cannot be replayed." },
};

/** Replays a failed execution: first a dry run, then the confirmation of what it says. */
export function Replay({ execution, onDone }: { readonly execution: string; readonly onDone: () => void }) {
  const { api } = useDesk();
  const [isOpen, setOpen] = useState(false);
  const [isFresh, setFresh] = useState(false);
  const replay = (body: Schemas["ReplayRequest"]) =>
    api.ask(api.client.POST("/executions/{execution}/replay", { params: { path: { execution } }, body }));
  const planning = useMutation({ mutationFn: (fresh: boolean) => replay({ dryRun: true, fresh }) });
  const replaying = useMutation({ mutationFn: (fresh: boolean) => replay({ dryRun: false, fresh }), onSuccess: onDone });

  const plan = (fresh: boolean) => {
    setFresh(fresh);
    planning.mutate(fresh);
  };
  const planned = planning.data && ACTIONS[planning.data.action];
  const done = replaying.data;
  return (
    <>
      <Button
        onClick={() => {
          replaying.reset();
          setOpen(true);
          plan(false);
        }}
      >
        Replay
      </Button>
      <Modal
        visible={isOpen}
        header="Replay the execution"
        onDismiss={() => setOpen(false)}
        footer={
          <Box float="right">
            <SpaceBetween direction="horizontal" size="xs">
              <Button variant="link" onClick={() => setOpen(false)}>
                {done ? "Close" : "Cancel"}
              </Button>
              {!done && planned?.button !== undefined && (
                <Button
                  variant="primary"
                  loading={replaying.isPending}
                  disabled={planning.isPending}
                  onClick={() => replaying.mutate(isFresh)}
                >
                  {planned.button}
                </Button>
              )}
            </SpaceBetween>
          </Box>
        }
      >
        <SpaceBetween size="m">
          {!done && (
            <Checkbox
              checked={isFresh}
              disabled={replaying.isPending}
              description="With the state machines and workers that are deployed now."
              onChange={({ detail }) => plan(detail.checked)}
            >
              From the beginning, even if it can be resumed
            </Checkbox>
          )}
          {planning.isPending && <StatusIndicator type="loading">Asking what would be done</StatusIndicator>}
          {planning.error && <Problem error={planning.error} title="The dry run failed" retry={() => plan(isFresh)} />}
          {!done && !planning.isPending && planned && planning.data && (
            <div role="status">
              <Alert type={planned.type} header={planned.plan}>
                {sentence(planning.data.why)} Nothing has been done yet.
              </Alert>
            </div>
          )}
          {replaying.error && <Problem error={replaying.error} title="The execution was not replayed" />}
          {done && (
            <div role="status">
              <Alert type="success" header={done.action === "redrive" ? "The execution is resumed" : "Done"}>
                {sentence(done.why)}
                {done.newSubmissionId !== undefined && (
                  <>
                    {" "}
                    The new submission is {done.newSubmissionId} of{" "}
                    <Link href={`#/applications/${done.applicationId}`}>{done.applicationId}</Link>.
                  </>
                )}
              </Alert>
            </div>
          )}
        </SpaceBetween>
      </Modal>
    </>
  );
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
