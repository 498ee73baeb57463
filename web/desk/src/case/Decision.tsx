import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Multiselect from "@cloudscape-design/components/multiselect";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { ApiError, type CaseAnswer, type Code, type Schemas, useDesk } from "../api";
import { useIdempotencyKey } from "../idempotency";
import { Problem } from "../parts/Problem";
import { Reviewer } from "../parts/Reviewer";
import { clock, duration, useNow } from "../time";
import { useUnsaved } from "../unsaved";
import { type ChangeCase, useClaim } from "./useClaim";

type Choice = Schemas["Decision"];
type Request = Schemas["DecisionRequest"];

const BUTTONS: Readonly<Record<Choice, string>> = { approve: "Approve", decline: "Decline", resubmit: "Ask for better evidence" };
const DECIDED = { approve: "approved", decline: "declined", resubmit: "to be sent again", expired: "ended without a decision" };
const MOST_NOTE = 2000;
const LOST_CLAIM: readonly Code[] = ["CLAIM_EXPIRED", "CASE_NOT_CLAIMED"];

export function Decision({ answer, onChange }: { readonly answer: CaseAnswer; readonly onChange: ChangeCase }) {
  const { session } = useDesk();
  const { case: own, decision } = answer;
  const { claiming, releasing, isMine, hasEnded, isAnothers } = useClaim(answer, onChange);
  const [taken, setTaken] = useState<Schemas["DecisionAnswer"]>();
  const isFirstMine = own.firstApproval?.by === session.me;

  return (
    <Container header={<Header variant="h2">Decision</Header>}>
      <SpaceBetween size="m">
        {own.status !== "OPEN" && !taken?.isFinal && (
          <Alert type="info" header={`The case is ${decision ? DECIDED[decision.outcome] : own.status.toLowerCase()}`}>
            Nothing is left to decide.
          </Alert>
        )}
        {taken && (
          <div role="status">
            <Alert
              type="success"
              header={taken.message}
              action={
                <Button href="#/cases" variant="normal">
                  Back to the queue
                </Button>
              }
            >
              Your decision: {taken.decision}.
            </Alert>
          </div>
        )}
        {own.status === "OPEN" && !taken && (
          <>
            {own.secondReviewerNeeded && (
              <div className="secondary">
                {own.firstApproval ? (
                  <>
                    The first approval is by <Reviewer sub={own.firstApproval.by} />.{" "}
                    {isFirstMine ? "Another reviewer has to approve as well." : "Yours would be the second and final one."}
                  </>
                ) : (
                  "Two reviewers have to approve this case. One is enough to decline, or to ask for better evidence."
                )}
              </div>
            )}
            {isAnothers && own.claim && (
              <Alert type="warning" header="Another reviewer has the claim">
                <Reviewer sub={own.claim.by} /> until {clock(own.claim.until)}.
              </Alert>
            )}
            {!isMine && (
              <Button variant="primary" loading={claiming.isPending} onClick={() => claiming.mutate()} fullWidth>
                Claim and decide
              </Button>
            )}
            {claiming.error && <Problem error={claiming.error} title={isMine ? "The claim was not renewed" : "The case is not claimed"} />}
            {releasing.error && <Problem error={releasing.error} title="The claim was not given back" />}
            {isMine && own.claim && (
              <>
                <ClaimLine
                  until={own.claim.until}
                  hasEnded={hasEnded}
                  isBusy={claiming.isPending || releasing.isPending}
                  onClaim={() => claiming.mutate()}
                  onRelease={() => releasing.mutate()}
                />
                <Form
                  answer={answer}
                  mayApprove={!isFirstMine}
                  onClaim={() => claiming.mutate()}
                  onTaken={(taken) => {
                    setTaken(taken);
                    onChange(({ claim: _, ...own }) => ({
                      ...own,
                      ...(taken.isFinal ? { status: "DECIDED" } : { firstApproval: { by: session.me, at: new Date().toISOString() } }),
                    }));
                  }}
                />
              </>
            )}
          </>
        )}
      </SpaceBetween>
    </Container>
  );
}

function ClaimLine({
  until,
  hasEnded,
  isBusy,
  onClaim,
  onRelease,
}: {
  readonly until: string;
  readonly hasEnded: boolean;
  readonly isBusy: boolean;
  readonly onClaim: () => void;
  readonly onRelease: () => void;
}) {
  const now = useNow();
  if (hasEnded) {
    return (
      <Alert
        type="warning"
        header="Your claim has run out"
        action={
          <Button onClick={onClaim} loading={isBusy}>
            Claim again
          </Button>
        }
      >
        What you have written stays here.
      </Alert>
    );
  }
  const minutes = Math.max(60, Math.floor((Date.parse(until) - now) / 60_000) * 60);
  return (
    <div className="claim">
      <span>
        You have the claim until {clock(until)} <span className="secondary">({duration(minutes)}; renewed while you are here)</span>
      </span>
      <Button variant="inline-link" disabled={isBusy} onClick={onRelease}>
        Release
      </Button>
    </div>
  );
}

function Form({
  answer: { case: own, attemptsLeft, decisionReasons },
  mayApprove,
  onClaim,
  onTaken,
}: {
  readonly answer: CaseAnswer;
  readonly mayApprove: boolean;
  readonly onClaim: () => void;
  readonly onTaken: (taken: Schemas["DecisionAnswer"]) => void;
}) {
  const { api } = useDesk();
  const [choice, setChoice] = useState<Choice>();
  const [chosen, setChosen] = useState<Readonly<Record<Choice, readonly string[]>>>({ approve: [], decline: [], resubmit: [] });
  const [note, setNote] = useState("");
  const [isChecked, setChecked] = useState(false);
  const { keyOf, forget } = useIdempotencyKey();
  useUnsaved("decision", note !== "");

  const deciding = useMutation({
    mutationFn: (request: Request) => {
      const { applicationId, caseId } = own;
      return api.ask(
        api.client.POST("/cases/{applicationId}/{caseId}/decision", {
          params: { path: { applicationId, caseId }, header: { "Idempotency-Key": keyOf(request) } },
          body: request,
        }),
      );
    },
    onSuccess: onTaken,
    onError: (error) => {
      if (error instanceof ApiError && error.code === "IDEMPOTENCY_KEY_REUSED") forget();
    },
  });

  const hasLostClaim = deciding.error instanceof ApiError && LOST_CLAIM.includes(deciding.error.code);
  const reasons = choice === undefined ? [] : chosen[choice];
  const choiceError = isChecked && choice === undefined ? "Choose one." : undefined;
  const reasonError =
    isChecked && choice !== undefined && choice !== "approve" && reasons.length === 0
      ? "Choose at least one reason, which the applicant is told."
      : undefined;
  const noteError = note.length > MOST_NOTE ? `The note may have ${MOST_NOTE} characters at most.` : undefined;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    setChecked(true);
    if (choice === undefined || noteError || (choice !== "approve" && reasons.length === 0)) return;
    deciding.mutate({
      decision: choice,
      ...(choice === "approve" ? {} : { reasons: [...reasons] }),
      ...(note.trim() ? { note: note.trim() } : {}),
    });
  };

  const options = decisionReasons
    .filter(({ decision }) => decision === choice)
    .map(({ code, applicant }) => ({ value: code, label: code, description: applicant }));

  return (
    <form onSubmit={submit} aria-label="Decision" noValidate>
      <SpaceBetween size="m">
        <FormField label="Your decision" errorText={choiceError} stretch>
          <RadioGroup
            value={choice ?? null}
            onChange={({ detail }) => setChoice(detail.value as Choice)}
            items={[
              {
                value: "approve",
                label: "Approve",
                description: mayApprove ? "The doubts are not confirmed." : "You have approved already: another reviewer has to.",
                disabled: !mayApprove,
              },
              { value: "decline", label: "Decline", description: "A fact that the applicant cannot change speaks against it." },
              {
                value: "resubmit",
                label: "Ask for better evidence",
                description: attemptsLeft ? "The applicant can send it again." : "The applicant has no attempts left.",
                disabled: !attemptsLeft,
              },
            ]}
          />
        </FormField>
        {choice !== undefined && choice !== "approve" && (
          <FormField label="Reasons" description="The applicant is told the sentence below each." errorText={reasonError} stretch>
            <Multiselect
              selectedOptions={options.filter(({ value }) => reasons.includes(value))}
              options={options}
              filteringType="auto"
              filteringAriaLabel="Find a reason"
              placeholder="Choose reasons"
              deselectAriaLabel={({ label }) => `Remove ${label ?? ""}`}
              onChange={({ detail }) =>
                setChosen({ ...chosen, [choice]: detail.selectedOptions.flatMap(({ value }) => (value === undefined ? [] : [value])) })
              }
            />
          </FormField>
        )}
        <FormField
          label={
            <>
              Note <i>– optional</i>
            </>
          }
          description="For colleagues. It stays in the case."
          constraintText={`${note.length} of ${MOST_NOTE} characters`}
          errorText={noteError}
          stretch
        >
          <Textarea value={note} rows={4} onChange={({ detail }) => setNote(detail.value)} />
        </FormField>
        {deciding.error && <Problem error={deciding.error} title="The decision is not recorded" />}
        {hasLostClaim && (
          <Button
            fullWidth
            formAction="none"
            onClick={() => {
              deciding.reset();
              onClaim();
            }}
          >
            Claim again
          </Button>
        )}
        <Button variant="primary" formAction="submit" loading={deciding.isPending} loadingText="Sending the decision" fullWidth>
          {choice === undefined ? "Decide" : BUTTONS[choice]}
        </Button>
      </SpaceBetween>
    </form>
  );
}
