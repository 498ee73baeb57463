import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { type Schemas, useDesk } from "../api";
import { useIdempotencyKey } from "../idempotency";
import { useUnsaved } from "../unsaved";
import { Problem } from "./Problem";

const MOST = 2000;

const WAYS = {
  reopen: {
    path: "/applications/{applicationId}/reopen",
    button: "Reopen",
    confirm: "Reopen the application",
    consequence: "The applicant may upload again, and attempts are counted from the beginning.",
    problem: "The application was not reopened",
  },
  appeal: {
    path: "/applications/{applicationId}/appeal",
    button: "Appeal",
    confirm: "Appeal against the decline",
    consequence: "The same evidence is judged again, with a case at the end that two reviewers have to approve.",
    problem: "The appeal was not accepted",
  },
} as const;

/** Reopens an application that has ended, or appeals against its decline: for a reason, after a confirmation. */
export function OpenAgain({
  applicationId,
  way,
  onDone,
}: {
  readonly applicationId: string;
  readonly way: keyof typeof WAYS;
  readonly onDone: () => void;
}) {
  const { path, button, confirm: confirmation, consequence, problem } = WAYS[way];
  const { api } = useDesk();
  const { keyOf } = useIdempotencyKey();
  const [isOpen, setOpen] = useState(false);
  const [reason, setReason] = useState("");
  const [isChecked, setChecked] = useState(false);
  useUnsaved(way, isOpen && reason !== "");
  const opening = useMutation({
    mutationFn: (body: Schemas["ReasonRequest"]) =>
      api.ask(
        api.client.POST(path, {
          params: { path: { applicationId }, header: { "Idempotency-Key": keyOf(body) } },
          body,
        }),
      ),
    onSuccess: () => {
      setOpen(false);
      onDone();
    },
  });
  const text = reason.trim();
  const error = text.length > MOST ? `The reason may have ${MOST} characters at most.` : isChecked && text === "" ? "Say why." : undefined;
  const confirm = () => {
    setChecked(true);
    if (text !== "" && text.length <= MOST) opening.mutate({ reason: text });
  };
  return (
    <>
      <Button onClick={() => setOpen(true)}>{button}</Button>
      <Modal
        visible={isOpen}
        header={`${button}: ${applicationId}`}
        onDismiss={() => setOpen(false)}
        footer={
          <Box float="right">
            <SpaceBetween direction="horizontal" size="xs">
              <Button variant="link" onClick={() => setOpen(false)}>
                Cancel
              </Button>
              <Button variant="primary" loading={opening.isPending} onClick={confirm}>
                {confirmation}
              </Button>
            </SpaceBetween>
          </Box>
        }
      >
        <SpaceBetween size="m">
          <div>{consequence} You may not approve this application afterwards: other reviewers have to.</div>
          <FormField label="Reason" description="For colleagues. It stays in the record of the application." errorText={error} stretch>
            <Textarea value={reason} rows={3} onChange={({ detail }) => setReason(detail.value)} />
          </FormField>
          {opening.error && <Problem error={opening.error} title={problem} />}
        </SpaceBetween>
      </Modal>
    </>
  );
}
