import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { type CaseAnswer, type Schemas, useDesk } from "../api";
import { useIdempotencyKey } from "../idempotency";
import { Problem } from "../parts/Problem";
import { useUnsaved } from "../unsaved";

const MOST = 2000;

/** A note without a decision, which needs no claim. */
export function AddNote({
  answer: {
    case: { applicationId, caseId },
  },
  onAdded,
}: {
  readonly answer: CaseAnswer;
  readonly onAdded: (note: Schemas["Note"]) => void;
}) {
  const { api, session } = useDesk();
  const { keyOf, forget } = useIdempotencyKey();
  const [note, setNote] = useState("");
  useUnsaved("note", note !== "");
  const adding = useMutation({
    mutationFn: (body: Schemas["NoteRequest"]) =>
      api.ask(
        api.client.POST("/cases/{applicationId}/{caseId}/notes", {
          params: { path: { applicationId, caseId }, header: { "Idempotency-Key": keyOf(body) } },
          body,
        }),
      ),
    onSuccess: (_, { note }) => {
      // The same text may be a note once more.
      forget();
      setNote("");
      onAdded({ by: session.me, at: new Date().toISOString(), text: note });
    },
  });
  const text = note.trim();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (text !== "" && text.length <= MOST) adding.mutate({ note: text });
  };
  return (
    <form onSubmit={submit} aria-label="Note" noValidate>
      <SpaceBetween size="xs">
        <FormField
          label="Note without a decision"
          errorText={text.length > MOST ? `The note may have ${MOST} characters at most.` : undefined}
          stretch
        >
          <Textarea value={note} rows={2} onChange={({ detail }) => setNote(detail.value)} />
        </FormField>
        {adding.error && <Problem error={adding.error} title="The note was not added" />}
        <Button formAction="submit" loading={adding.isPending} disabled={text === ""}>
          Add the note
        </Button>
      </SpaceBetween>
    </form>
  );
}
