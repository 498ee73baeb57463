/** Generated from docs/openapi/review-api.yaml by `npm run types --workspace web/desk`. */

export interface paths {
  "/cases": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * List cases, the oldest first
     * @description The list has no personal data.
     */
    get: operations["list-cases"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/applications": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * List applications, the latest change first
     * @description The list has no personal data.
     */
    get: operations["list-applications"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/applications/{applicationId}": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The id of the application. */
        applicationId: components["parameters"]["ApplicationId"];
      };
      cookie?: never;
    };
    /**
     * Show one application with its submissions and cases
     * @description Ids, codes, times and scores; no personal data.
     */
    get: operations["read-application"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/executions/{execution}": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The name of the state machine and that of the execution, with a tilde between them. */
        execution: components["parameters"]["Execution"];
      };
      cookie?: never;
    };
    /**
     * Show the graph of one execution and the states that it has visited
     * @description The graph is that of the version of the state machine that the execution runs. Inputs and outputs of states are not part of the
     *     answer.
     */
    get: operations["read-execution"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/overview": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Count outcomes, reasons and decisions of reviewers by day */
    get: operations["read-overview"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/cases/{applicationId}/{caseId}": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The id of the application. */
        applicationId: components["parameters"]["ApplicationId"];
        /** @description The id of the case within its application. */
        caseId: components["parameters"]["CaseId"];
      };
      cookie?: never;
    };
    /**
     * Show one case with everything that a decision needs
     * @description The answer has personal data. That the reviewer has seen it is recorded first, in the decision records of each application whose
     *     data is in the answer.
     */
    get: operations["read-case"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/cases/{applicationId}/{caseId}/claim": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The id of the application. */
        applicationId: components["parameters"]["ApplicationId"];
        /** @description The id of the case within its application. */
        caseId: components["parameters"]["CaseId"];
      };
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Claim a case, or renew the claim
     * @description For 15 minutes. Another reviewer can claim the case once the claim has ended.
     */
    post: operations["claim-case"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/cases/{applicationId}/{caseId}/release": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The id of the application. */
        applicationId: components["parameters"]["ApplicationId"];
        /** @description The id of the case within its application. */
        caseId: components["parameters"]["CaseId"];
      };
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Give a claim back */
    post: operations["release-case"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/cases/{applicationId}/{caseId}/decision": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The id of the application. */
        applicationId: components["parameters"]["ApplicationId"];
        /** @description The id of the case within its application. */
        caseId: components["parameters"]["CaseId"];
      };
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Decide a claimed case
     * @description `approve` has no reasons; `decline` and `resubmit` have at least one, which the applicant is told. The note is for colleagues, and
     *     stays in the case. If two people have to approve, the first approval ends the claim and leaves the case open.
     */
    post: operations["decide-case"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/cases/{applicationId}/{caseId}/notes": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The id of the application. */
        applicationId: components["parameters"]["ApplicationId"];
        /** @description The id of the case within its application. */
        caseId: components["parameters"]["CaseId"];
      };
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Add a note to an open case
     * @description A note for colleagues, without a decision. Every reviewer may add one, also without a claim. It stays in the case; the decision
     *     records have its digest.
     */
    post: operations["note-case"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/applications/{applicationId}/reopen": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The id of the application. */
        applicationId: components["parameters"]["ApplicationId"];
      };
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Reopen an application
     * @description The applicant may upload again, either a package or single pictures, and attempts are counted from the beginning. For an application
     *     that is declined or referred, or that another person has used up or begun with the other kind of upload. An approval is final. The
     *     reviewer who reopens an application may not approve it. The reason stays in the record of the application; the decision records have
     *     its digest.
     */
    post: operations["reopen-application"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/applications/{applicationId}/appeal": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The id of the application. */
        applicationId: components["parameters"]["ApplicationId"];
      };
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Appeal against the decline of an application
     * @description The evidence of the declined submission is judged again, as a submission of its own with the same number among the attempts. A decline
     *     that a person may overrule counts as a doubt, so that all checks run. Then a case opens, which two people have to approve. The
     *     reviewer who has appealed may not approve it. Declines for `APPLICANT_UNDER_AGE`, `DOCUMENT_EXPIRED` or
     *     `CUSTOMER_ALREADY_REGISTERED` are never overruled. The reason stays in the record of the application; the decision records have its
     *     digest.
     */
    post: operations["appeal-application"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/applications/{applicationId}/hold": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The id of the application. */
        applicationId: components["parameters"]["ApplicationId"];
      };
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Hold the data of an application
     * @description The data are not erased until the hold is ended, neither on request nor at the end of their retention. The reason stays in the record
     *     of the application; the decision records have its digest.
     */
    post: operations["hold-application"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/applications/{applicationId}/unhold": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The id of the application. */
        applicationId: components["parameters"]["ApplicationId"];
      };
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * End the hold of the data of an application
     * @description The data are erased when their retention ends. The reason stays in the record of the application; the decision records have its
     *     digest.
     */
    post: operations["unhold-application"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/applications/{applicationId}/end-relationship": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The id of the application. */
        applicationId: components["parameters"]["ApplicationId"];
      };
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * End the relationship with a customer
     * @description From now on the data of the person are kept by the retention of former customers, and erased at its end. The reason stays in the
     *     record of the application; the decision records have its digest.
     */
    post: operations["end-relationship"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/applications/{applicationId}/resume-relationship": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The id of the application. */
        applicationId: components["parameters"]["ApplicationId"];
      };
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Take the end of a relationship with a customer back
     * @description The data of the person are kept until the relationship ends. The reason stays in the record of the application; the decision records
     *     have its digest.
     */
    post: operations["resume-relationship"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/applications/{applicationId}/erase": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The id of the application. */
        applicationId: components["parameters"]["ApplicationId"];
      };
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Erase the data of an application
     * @description Starts the state machine Erasure, which deletes objects, faces, customer, cases, submissions and the application, and adds a receipt
     *     to the decision records, which have no personal data and stay. A dry run counts, and changes nothing. It is refused while the data are
     *     held, while a submission is judged or in review, and while the data of a customer have to stay. Erasing twice has no other effect.
     *     The reason is erased with the application; the receipt has its digest.
     */
    post: operations["erase-application"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/applications/{applicationId}/access": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The id of the application. */
        applicationId: components["parameters"]["ApplicationId"];
      };
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Record that the data of an application are read
     * @description Adds the record `dataRead` to the decision records. `bonafide export` and `bonafide show --reveal` ask for it before they read
     *     anything. The API itself gives no data.
     */
    post: operations["record-access"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/executions/{execution}/replay": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The name of the state machine and that of the execution, with a tilde between them. */
        execution: components["parameters"]["Execution"];
      };
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Replay a failed execution of Onboarding
     * @description Resumes the execution at the state that failed, if Step Functions allows it; otherwise judges the same upload again, as a submission
     *     of its own. Replaying one failure twice has one effect. Executions of other state machines are replayed with the execution of
     *     Onboarding that started them.
     */
    post: operations["replay-execution"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/openapi.json": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** This document, as JSON */
    get: operations["describe"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
}
export type webhooks = Record<string, never>;
export interface components {
  schemas: {
    ApplicationId: string;
    /** @description The id of the submission, and the number of its case. */
    CaseId: string;
    ExecutionId: string;
    /**
     * @description `OPEN`: it waits for a decision, or for the second approval. `DECIDED`: it is decided, and the execution has not taken the decision
     *     yet. `CLOSED`: the execution has taken the decision, or the time was over.
     * @enum {string}
     */
    CaseStatus: "OPEN" | "DECIDED" | "CLOSED";
    /** @description A code of docs/REASON-CODES.md. */
    Reason: string;
    /** Format: date-time */
    Time: string;
    /** @enum {string} */
    Decision: "approve" | "decline" | "resubmit";
    Summary: {
      applicationId: components["schemas"]["ApplicationId"];
      caseId: components["schemas"]["CaseId"];
      submissionId: string;
      /** @enum {string} */
      kind: "package" | "selfie" | "document";
      status: components["schemas"]["CaseStatus"];
      /** @description The doubts. */
      reasons: components["schemas"]["Reason"][];
      openedAt: components["schemas"]["Time"];
      /** @description The time at which it ends without a decision. */
      dueAt: components["schemas"]["Time"];
      decidedAt?: components["schemas"]["Time"];
      /** @description Whether two people have to approve. */
      secondReviewerNeeded: boolean;
      claim?: components["schemas"]["Claim"];
      firstApproval?: components["schemas"]["FirstApproval"];
    };
    Claim: {
      /** @description The `sub` of the reviewer. */
      by: string;
      until: components["schemas"]["Time"];
    };
    FirstApproval: {
      /** @description The `sub` of the reviewer. */
      by: string;
      at: components["schemas"]["Time"];
    };
    CaseList: {
      /** @constant */
      success: true;
      cases: components["schemas"]["Summary"][];
      /** @description Names the next page; missing at the end. */
      nextPage?: string;
    };
    CaseAnswer: {
      /** @constant */
      success: true;
      case: components["schemas"]["Summary"];
      reasons: {
        code: components["schemas"]["Reason"];
        /** @description The sentence for staff. */
        meaning: string;
      }[];
      /** @description The number of the submission among the attempts. */
      attempt: number;
      /** @description Whether `resubmit` is possible. */
      attemptsLeft: boolean;
      /** @description The reasons that `decline` and `resubmit` may name, with the sentence that the applicant is told. */
      decisionReasons: {
        decision: components["schemas"]["Decision"];
        code: components["schemas"]["Reason"];
        applicant: string;
      }[];
      evidence: {
        selfie?: components["schemas"]["Picture"];
        document?: components["schemas"]["Picture"];
        documentBack?: components["schemas"]["Picture"];
      };
      /** @description What the applicant states, against the document and its barcode or machine-readable zone. */
      fields: components["schemas"]["Field"][];
      checks: components["schemas"]["CheckResult"][];
      /** @description The thresholds of the execution, by the names of docs/THRESHOLDS.md. */
      thresholds: {
        [key: string]: number;
      };
      /** @description Faces of other applications. An approval says that they belong to other people. */
      duplicates: components["schemas"]["Duplicate"][];
      /** @description All submissions of the application, the latest last. */
      submissions: components["schemas"]["Submission"][];
      notes: components["schemas"]["Note"][];
      /** @description How the case ended. */
      decision?: {
        /** @enum {string} */
        outcome: "approve" | "decline" | "resubmit" | "expired";
        reasons: components["schemas"]["Reason"][];
        /** @description The `sub` of each person who has decided. */
        reviewers: string[];
        at: components["schemas"]["Time"];
      };
    };
    Picture: {
      /** Format: uri */
      url: string;
      /** @description Seconds. */
      expiresIn: number;
      face?: components["schemas"]["FaceBox"];
    };
    /** @description Where the compared face is, in parts of the width and height of the picture. */
    FaceBox: {
      left: number;
      top: number;
      width: number;
      height: number;
    };
    Field: {
      name: string;
      /** @description In the applicant's words. */
      stated?: string;
      document?: string;
      barcode?: string;
      /** @description How sure the document was read, 0 to 1. */
      confidence?: number;
      /** @description Of stated and document, 0 to 100. */
      similarity?: number;
      /** @description Of document and barcode or machine-readable zone, 0 to 100. */
      witnessSimilarity?: number;
    };
    CheckResult: {
      check: string;
      /** @enum {string} */
      outcome: "pass" | "refer" | "resubmit" | "decline";
      reasons: components["schemas"]["Reason"][];
      scores: {
        [key: string]: number;
      };
      at: components["schemas"]["Time"];
    };
    Duplicate: {
      faceId: string;
      /** @description Missing if the face names none. */
      applicationId?: string;
      similarity?: number;
      /** @description The outcome of that application. */
      outcome?: string;
      selfie?: components["schemas"]["Picture"];
    };
    Submission: {
      submissionId: string;
      kind: string;
      attempt?: number;
      status: string;
      outcome?: string;
      reasons: components["schemas"]["Reason"][];
      receivedAt: components["schemas"]["Time"];
      decidedAt?: components["schemas"]["Time"];
      execution?: components["schemas"]["ExecutionId"];
      checks: components["schemas"]["CheckResult"][];
      failure?: components["schemas"]["Failure"];
      consent?: components["schemas"]["Consent"];
    };
    /** @description The person's consent to the processing of biometric data, if it came with the upload. */
    Consent: {
      /** @description The version of the text. */
      version: string;
      at: components["schemas"]["Time"];
    };
    /** @description Why the system could not judge. */
    Failure: {
      state?: string;
      reason?: components["schemas"]["Reason"];
      error?: string;
    };
    ApplicationSummary: {
      applicationId: components["schemas"]["ApplicationId"];
      /** @enum {string} */
      status: "OPEN" | "IN_PROGRESS" | "IN_REVIEW" | "DECIDED" | "FAILED";
      /** @enum {string} */
      outcome?: "approved" | "declined" | "resubmit" | "referred";
      reasons: components["schemas"]["Reason"][];
      receivedAt?: components["schemas"]["Time"];
      decidedAt?: components["schemas"]["Time"];
      updatedAt: components["schemas"]["Time"];
      /** @description The execution of the latest submission. */
      execution?: components["schemas"]["ExecutionId"];
    };
    ApplicationList: {
      /** @constant */
      success: true;
      applications: components["schemas"]["ApplicationSummary"][];
      /** @description Names the next page; missing at the end. */
      nextPage?: string;
    };
    ApplicationAnswer: {
      /** @constant */
      success: true;
      application: components["schemas"]["ApplicationSummary"];
      /** @description All submissions of the application, the latest last. */
      submissions: components["schemas"]["Submission"][];
      /** @description All cases of the application, the latest last. */
      cases: components["schemas"]["Summary"][];
    };
    ExecutionAnswer: {
      /** @constant */
      success: true;
      execution: components["schemas"]["ExecutionId"];
      machine: string;
      /** @enum {string} */
      status: "RUNNING" | "SUCCEEDED" | "FAILED" | "TIMED_OUT" | "ABORTED" | "PENDING_REDRIVE";
      startedAt: components["schemas"]["Time"];
      stoppedAt?: components["schemas"]["Time"];
      /** @description The name of the error with which it ended. */
      error?: string;
      /** @description How often it was redriven. */
      redrives: number;
      /** @description Whether Step Functions would redrive it. */
      isRedrivable: boolean;
      /** @description The first state. */
      startAt: string;
      /** @description The states of the definition. */
      states: components["schemas"]["State"][];
      /** @description The transitions of the definition. */
      edges: components["schemas"]["Edge"][];
      /** @description The states in the order in which the execution entered them. */
      visits: components["schemas"]["Visit"][];
    };
    State: {
      name: string;
      /** @enum {string} */
      type: "Task" | "Choice" | "Pass" | "Wait" | "Succeed" | "Fail";
      comment?: string;
      /** @description Whether the execution may end here. */
      isEnd: boolean;
    };
    Edge: {
      from: string;
      to: string;
      /** @enum {string} */
      kind: "next" | "choice" | "default" | "catch";
      /** @description The comment or condition of a choice, or the errors that are caught. */
      label?: string;
    };
    Visit: {
      state: string;
      /**
       * @description `CAUGHT`: it failed, and a Catch of the state took the error.
       * @enum {string}
       */
      status: "RUNNING" | "SUCCEEDED" | "CAUGHT" | "FAILED" | "TIMED_OUT" | "ABORTED";
      enteredAt: components["schemas"]["Time"];
      leftAt?: components["schemas"]["Time"];
      /** @description How often its task was scheduled; 0 for a state without a task. */
      attempts: number;
      /** @description The names of the errors of its attempts. */
      errors: string[];
      /** @description The messages of our own workers, each once. */
      causes: string[];
      /** @description Whether a redrive began here. */
      isRedriven: boolean;
      /** @description The executions that it started. */
      children: components["schemas"]["ExecutionId"][];
    };
    OverviewAnswer: {
      /** @constant */
      success: true;
      /** @description Midnight of the first day, UTC. */
      from: components["schemas"]["Time"];
      /** @description False if there are more applications or cases than one answer counts. The latest are counted. */
      isComplete: boolean;
      /** @description Applications by the day of their last change and by outcome. Days without applications are missing. */
      days: {
        /** Format: date */
        date: string;
        outcomes: {
          [key: string]: number;
        };
      }[];
      reasons: {
        reason: components["schemas"]["Reason"];
        outcome: string;
        count: number;
      }[];
      openCases: number;
      oldestCaseOpenedAt?: components["schemas"]["Time"];
      /** @description The seconds from the opening of each decided case to its decision, in ascending order. */
      waits: number[];
      /** @description How cases with each doubt ended. */
      decisions: {
        reason: components["schemas"]["Reason"];
        /** @enum {string} */
        decision: "approve" | "decline" | "resubmit" | "expired";
        count: number;
      }[];
    };
    Note: {
      /** @description The `sub` of the reviewer. */
      by: string;
      at: components["schemas"]["Time"];
      text: string;
    };
    ClaimAnswer: {
      /** @constant */
      success: true;
      applicationId: components["schemas"]["ApplicationId"];
      caseId: components["schemas"]["CaseId"];
      claim: components["schemas"]["Claim"];
    };
    ReleaseAnswer: {
      /** @constant */
      success: true;
      applicationId: components["schemas"]["ApplicationId"];
      caseId: components["schemas"]["CaseId"];
    };
    DecisionRequest: {
      decision: components["schemas"]["Decision"];
      reasons?: components["schemas"]["Reason"][];
      /** @description Up to 2,000 characters. It may have personal data, which the decision records must not have. */
      note?: string;
    };
    NoteRequest: {
      /** @description Up to 2,000 characters. It may have personal data, which the decision records must not have. */
      note: string;
    };
    ReasonRequest: {
      /** @description Up to 2,000 characters. It may have personal data, which the decision records must not have. */
      reason: string;
    };
    AppealAnswer: {
      /** @constant */
      success: true;
      applicationId: components["schemas"]["ApplicationId"];
      /** @description The submission that judges the evidence again. */
      submissionId: string;
      /** @constant */
      status: "IN_PROGRESS";
    };
    DoneAnswer: {
      /** @constant */
      success: true;
      applicationId: components["schemas"]["ApplicationId"];
    };
    EraseRequest: {
      /** @description Up to 2,000 characters. It may have personal data, which the decision records must not have. */
      reason: string;
      /** @description Whether only the plan is wanted, and nothing is erased. */
      dryRun: boolean;
    };
    EraseAnswer: {
      /** @constant */
      success: true;
      applicationId: components["schemas"]["ApplicationId"];
      dryRun: boolean;
      plan?: components["schemas"]["ErasurePlan"];
      execution?: components["schemas"]["ExecutionId"];
    };
    /** @description With `dryRun`, what would be deleted, by kind, and what would stay. */
    ErasurePlan: {
      /** @description Versions of uploads and evidence, and delete markers. */
      objects: number;
      /** @description Faces that the application names. A face that a failed execution has left behind is deleted, too. */
      faces: number;
      customers: number;
      cases: number;
      submissions: number;
      applications: number;
      /** @description The decision records, which stay. */
      decisions: number;
      /** @description The data of the customer have to stay until then, and the erasure is refused. */
      retainedUntil?: string;
      /** @description Until when a recovery of the tables to an earlier time could bring the records back, if they were erased now. */
      restorableUntil: string;
    };
    ReplayRequest: {
      /** @description Whether only the answer is wanted, and nothing is done. */
      dryRun: boolean;
      /**
       * @description Whether the upload is judged from the beginning also where the execution could be resumed: with the state machines and workers
       *     that are deployed now.
       */
      fresh?: boolean;
    };
    ReplayAnswer: {
      /** @constant */
      success: true;
      applicationId: components["schemas"]["ApplicationId"];
      submissionId: string;
      /** @enum {string} */
      kind: "package" | "selfie" | "document";
      execution: components["schemas"]["ExecutionId"];
      /**
       * @description `redrive`: the execution is resumed. `fresh`: the upload is judged again. `nothing`: the execution runs or has succeeded.
       *     `impossible`: it cannot be replayed.
       * @enum {string}
       */
      action: "redrive" | "fresh" | "nothing" | "impossible";
      /** @description The reason for the action. */
      why: string;
      dryRun: boolean;
      /** @description With `fresh`, the submission that is judged. */
      newSubmissionId?: string;
    };
    DecisionAnswer: {
      /** @constant */
      success: true;
      applicationId: components["schemas"]["ApplicationId"];
      caseId: components["schemas"]["CaseId"];
      decision: components["schemas"]["Decision"];
      /** @description False if another person has to approve as well. */
      isFinal: boolean;
      message: string;
    };
    Error: {
      /** @constant */
      success: false;
      /** @description A sentence for a person. */
      error: string;
      code: components["schemas"]["Code"];
    };
    /**
     * @description Stable; `x-error-codes` lists the status of each.
     * @enum {string}
     */
    Code:
      | "REQUEST_INVALID"
      | "IDEMPOTENCY_KEY_INVALID"
      | "NOT_AUTHENTICATED"
      | "NOT_AUTHORIZED"
      | "REVIEWER_INVOLVED"
      | "CASE_NOT_FOUND"
      | "APPLICATION_NOT_FOUND"
      | "EXECUTION_NOT_FOUND"
      | "ROUTE_NOT_FOUND"
      | "CASE_CLAIMED"
      | "CASE_NOT_CLAIMED"
      | "CLAIM_EXPIRED"
      | "CASE_DECIDED"
      | "CASE_REPLACED"
      | "SECOND_REVIEWER_REQUIRED"
      | "APPLICATION_WITHOUT_UPLOAD"
      | "APPLICATION_OPEN"
      | "APPLICATION_IN_PROGRESS"
      | "APPLICATION_FAILED"
      | "APPLICATION_IN_REVIEW"
      | "APPLICATION_APPROVED"
      | "APPLICATION_NOT_DECLINED"
      | "APPLICATION_WITHOUT_CONSENT"
      | "APPLICATION_HELD"
      | "APPLICATION_NOT_HELD"
      | "APPLICATION_RETAINED"
      | "RELATIONSHIP_LASTS"
      | "RELATIONSHIP_ENDED"
      | "APPLICATION_NOT_APPROVED"
      | "EVIDENCE_ERASED"
      | "APPLICATION_BEING_ERASED"
      | "REQUEST_TOO_LARGE"
      | "MEDIA_TYPE_UNSUPPORTED"
      | "REASON_REQUIRED"
      | "REASON_UNFIT"
      | "ATTEMPTS_EXHAUSTED"
      | "NOTES_EXHAUSTED"
      | "DECLINE_NOT_OVERRULABLE"
      | "IDEMPOTENCY_KEY_REUSED"
      | "REQUESTS_THROTTLED"
      | "INTERNAL_ERROR"
      | "SERVICE_UNAVAILABLE"
      | "SERVICE_TIMED_OUT";
  };
  responses: {
    /** @description The request does not match this description. */
    BadRequest: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        "application/json": components["schemas"]["Error"];
      };
    };
    /** @description The token is missing, invalid or expired, or has not the scope of the operation. */
    NotAuthenticated: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        "application/json": components["schemas"]["Error"];
      };
    };
    /** @description The token is not of a reviewer's sign-in, or this reviewer may not do this. */
    NotAuthorized: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        "application/json": components["schemas"]["Error"];
      };
    };
    /** @description There is no such case, application, execution or route. */
    NotFound: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        "application/json": components["schemas"]["Error"];
      };
    };
    /** @description The case or the application is not in a state that allows this, or another reviewer has claimed the case. */
    Conflict: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        "application/json": components["schemas"]["Error"];
      };
    };
    /** @description The request is too large. */
    TooLarge: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        "application/json": components["schemas"]["Error"];
      };
    };
    /** @description The body is not JSON. */
    UnsupportedMediaType: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        "application/json": components["schemas"]["Error"];
      };
    };
    /** @description The content of the request is not allowed here, or the Idempotency-Key was used for another request. */
    Refused: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        "application/json": components["schemas"]["Error"];
      };
    };
    /** @description All reviewers together send too many requests. */
    Throttled: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        "application/json": components["schemas"]["Error"];
      };
    };
    /** @description An internal error. */
    Broken: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        "application/json": components["schemas"]["Error"];
      };
    };
    /** @description A service is unavailable. The same request may succeed in a moment. */
    Unavailable: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        "application/json": components["schemas"]["Error"];
      };
    };
    /** @description The request took too long. The same request may succeed in a moment. */
    TimedOut: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        "application/json": components["schemas"]["Error"];
      };
    };
  };
  parameters: {
    /** @description The id of the application. */
    ApplicationId: components["schemas"]["ApplicationId"];
    /** @description The id of the case within its application. */
    CaseId: components["schemas"]["CaseId"];
    /** @description The status; without it, cases that wait for a decision. */
    Status: components["schemas"]["CaseStatus"];
    /**
     * @description Only cases with this doubt.
     * @example FACE_MATCH_UNSURE
     */
    Reason: components["schemas"]["Reason"];
    /**
     * @description Only applications with this outcome. `failed`: the system could not judge. `none`: it is being judged, or the application waits for
     *     an upload.
     */
    Outcome: "approved" | "declined" | "resubmit" | "referred" | "failed" | "none";
    /**
     * @description Only applications that have changed since this time.
     * @example 2026-11-21T00:00:00.000Z
     */
    Since: components["schemas"]["Time"];
    /** @description Only applications whose id begins with this. */
    IdStart: components["schemas"]["ApplicationId"];
    /** @description The name of the state machine and that of the execution, with a tilde between them. */
    Execution: components["schemas"]["ExecutionId"];
    /**
     * @description How many days to count, today included; without it, 30.
     * @example 30
     */
    Days: number;
    /** @description The `nextPage` of an earlier answer to the same filters. */
    ApplicationPage: string;
    /**
     * @description The most entries of one page; without it, 50.
     * @example 50
     */
    Limit: number;
    /** @description The `nextPage` of an earlier answer to the same filters. */
    Page: string;
    /**
     * @description Identifies this request: if no answer arrives, send the same request with the same key again. A UUID is a good key. Another
     *     request with the same key is refused.
     * @example 4b0d7c9e-2f4a-4a39-8a63-0a8c5d7e1f22
     */
    IdempotencyKey: string;
  };
  requestBodies: never;
  headers: never;
  pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
  "list-cases": {
    parameters: {
      query?: {
        /** @description The status; without it, cases that wait for a decision. */
        status?: components["parameters"]["Status"];
        /**
         * @description Only cases with this doubt.
         * @example FACE_MATCH_UNSURE
         */
        reason?: components["parameters"]["Reason"];
        /**
         * @description The most entries of one page; without it, 50.
         * @example 50
         */
        limit?: components["parameters"]["Limit"];
        /** @description The `nextPage` of an earlier answer to the same filters. */
        page?: components["parameters"]["Page"];
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The cases. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["CaseList"];
        };
      };
      400: components["responses"]["BadRequest"];
      401: components["responses"]["NotAuthenticated"];
      403: components["responses"]["NotAuthorized"];
      415: components["responses"]["UnsupportedMediaType"];
      429: components["responses"]["Throttled"];
      500: components["responses"]["Broken"];
      503: components["responses"]["Unavailable"];
      504: components["responses"]["TimedOut"];
    };
  };
  "list-applications": {
    parameters: {
      query?: {
        /**
         * @description Only applications with this outcome. `failed`: the system could not judge. `none`: it is being judged, or the application waits for
         *     an upload.
         */
        outcome?: components["parameters"]["Outcome"];
        /**
         * @description Only cases with this doubt.
         * @example FACE_MATCH_UNSURE
         */
        reason?: components["parameters"]["Reason"];
        /**
         * @description Only applications that have changed since this time.
         * @example 2026-11-21T00:00:00.000Z
         */
        since?: components["parameters"]["Since"];
        /** @description Only applications whose id begins with this. */
        idStart?: components["parameters"]["IdStart"];
        /**
         * @description The most entries of one page; without it, 50.
         * @example 50
         */
        limit?: components["parameters"]["Limit"];
        /** @description The `nextPage` of an earlier answer to the same filters. */
        page?: components["parameters"]["ApplicationPage"];
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The applications. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["ApplicationList"];
        };
      };
      400: components["responses"]["BadRequest"];
      401: components["responses"]["NotAuthenticated"];
      403: components["responses"]["NotAuthorized"];
      415: components["responses"]["UnsupportedMediaType"];
      429: components["responses"]["Throttled"];
      500: components["responses"]["Broken"];
      503: components["responses"]["Unavailable"];
      504: components["responses"]["TimedOut"];
    };
  };
  "read-application": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The id of the application. */
        applicationId: components["parameters"]["ApplicationId"];
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The application. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["ApplicationAnswer"];
        };
      };
      401: components["responses"]["NotAuthenticated"];
      403: components["responses"]["NotAuthorized"];
      404: components["responses"]["NotFound"];
      415: components["responses"]["UnsupportedMediaType"];
      429: components["responses"]["Throttled"];
      500: components["responses"]["Broken"];
      503: components["responses"]["Unavailable"];
      504: components["responses"]["TimedOut"];
    };
  };
  "read-execution": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The name of the state machine and that of the execution, with a tilde between them. */
        execution: components["parameters"]["Execution"];
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The execution. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["ExecutionAnswer"];
        };
      };
      401: components["responses"]["NotAuthenticated"];
      403: components["responses"]["NotAuthorized"];
      404: components["responses"]["NotFound"];
      415: components["responses"]["UnsupportedMediaType"];
      429: components["responses"]["Throttled"];
      500: components["responses"]["Broken"];
      503: components["responses"]["Unavailable"];
      504: components["responses"]["TimedOut"];
    };
  };
  "read-overview": {
    parameters: {
      query?: {
        /**
         * @description How many days to count, today included; without it, 30.
         * @example 30
         */
        days?: components["parameters"]["Days"];
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The counts. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["OverviewAnswer"];
        };
      };
      400: components["responses"]["BadRequest"];
      401: components["responses"]["NotAuthenticated"];
      403: components["responses"]["NotAuthorized"];
      415: components["responses"]["UnsupportedMediaType"];
      429: components["responses"]["Throttled"];
      500: components["responses"]["Broken"];
      503: components["responses"]["Unavailable"];
      504: components["responses"]["TimedOut"];
    };
  };
  "read-case": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The id of the application. */
        applicationId: components["parameters"]["ApplicationId"];
        /** @description The id of the case within its application. */
        caseId: components["parameters"]["CaseId"];
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The case. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["CaseAnswer"];
        };
      };
      401: components["responses"]["NotAuthenticated"];
      403: components["responses"]["NotAuthorized"];
      404: components["responses"]["NotFound"];
      415: components["responses"]["UnsupportedMediaType"];
      429: components["responses"]["Throttled"];
      500: components["responses"]["Broken"];
      503: components["responses"]["Unavailable"];
      504: components["responses"]["TimedOut"];
    };
  };
  "claim-case": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The id of the application. */
        applicationId: components["parameters"]["ApplicationId"];
        /** @description The id of the case within its application. */
        caseId: components["parameters"]["CaseId"];
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The reviewer holds the claim. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["ClaimAnswer"];
        };
      };
      401: components["responses"]["NotAuthenticated"];
      403: components["responses"]["NotAuthorized"];
      404: components["responses"]["NotFound"];
      409: components["responses"]["Conflict"];
      415: components["responses"]["UnsupportedMediaType"];
      429: components["responses"]["Throttled"];
      500: components["responses"]["Broken"];
      503: components["responses"]["Unavailable"];
      504: components["responses"]["TimedOut"];
    };
  };
  "release-case": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The id of the application. */
        applicationId: components["parameters"]["ApplicationId"];
        /** @description The id of the case within its application. */
        caseId: components["parameters"]["CaseId"];
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The case is not claimed. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["ReleaseAnswer"];
        };
      };
      401: components["responses"]["NotAuthenticated"];
      403: components["responses"]["NotAuthorized"];
      404: components["responses"]["NotFound"];
      409: components["responses"]["Conflict"];
      415: components["responses"]["UnsupportedMediaType"];
      429: components["responses"]["Throttled"];
      500: components["responses"]["Broken"];
      503: components["responses"]["Unavailable"];
      504: components["responses"]["TimedOut"];
    };
  };
  "decide-case": {
    parameters: {
      query?: never;
      header: {
        /**
         * @description Identifies this request: if no answer arrives, send the same request with the same key again. A UUID is a good key. Another
         *     request with the same key is refused.
         * @example 4b0d7c9e-2f4a-4a39-8a63-0a8c5d7e1f22
         */
        "Idempotency-Key": components["parameters"]["IdempotencyKey"];
      };
      path: {
        /** @description The id of the application. */
        applicationId: components["parameters"]["ApplicationId"];
        /** @description The id of the case within its application. */
        caseId: components["parameters"]["CaseId"];
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        "application/json": components["schemas"]["DecisionRequest"];
      };
    };
    responses: {
      /** @description The decision is recorded. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["DecisionAnswer"];
        };
      };
      400: components["responses"]["BadRequest"];
      401: components["responses"]["NotAuthenticated"];
      403: components["responses"]["NotAuthorized"];
      404: components["responses"]["NotFound"];
      409: components["responses"]["Conflict"];
      413: components["responses"]["TooLarge"];
      415: components["responses"]["UnsupportedMediaType"];
      422: components["responses"]["Refused"];
      429: components["responses"]["Throttled"];
      500: components["responses"]["Broken"];
      503: components["responses"]["Unavailable"];
      504: components["responses"]["TimedOut"];
    };
  };
  "note-case": {
    parameters: {
      query?: never;
      header: {
        /**
         * @description Identifies this request: if no answer arrives, send the same request with the same key again. A UUID is a good key. Another
         *     request with the same key is refused.
         * @example 4b0d7c9e-2f4a-4a39-8a63-0a8c5d7e1f22
         */
        "Idempotency-Key": components["parameters"]["IdempotencyKey"];
      };
      path: {
        /** @description The id of the application. */
        applicationId: components["parameters"]["ApplicationId"];
        /** @description The id of the case within its application. */
        caseId: components["parameters"]["CaseId"];
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        "application/json": components["schemas"]["NoteRequest"];
      };
    };
    responses: {
      /** @description The note is in the case. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["ReleaseAnswer"];
        };
      };
      400: components["responses"]["BadRequest"];
      401: components["responses"]["NotAuthenticated"];
      403: components["responses"]["NotAuthorized"];
      404: components["responses"]["NotFound"];
      409: components["responses"]["Conflict"];
      413: components["responses"]["TooLarge"];
      415: components["responses"]["UnsupportedMediaType"];
      422: components["responses"]["Refused"];
      429: components["responses"]["Throttled"];
      500: components["responses"]["Broken"];
      503: components["responses"]["Unavailable"];
      504: components["responses"]["TimedOut"];
    };
  };
  "reopen-application": {
    parameters: {
      query?: never;
      header: {
        /**
         * @description Identifies this request: if no answer arrives, send the same request with the same key again. A UUID is a good key. Another
         *     request with the same key is refused.
         * @example 4b0d7c9e-2f4a-4a39-8a63-0a8c5d7e1f22
         */
        "Idempotency-Key": components["parameters"]["IdempotencyKey"];
      };
      path: {
        /** @description The id of the application. */
        applicationId: components["parameters"]["ApplicationId"];
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        "application/json": components["schemas"]["ReasonRequest"];
      };
    };
    responses: {
      /** @description The application is open. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["DoneAnswer"];
        };
      };
      400: components["responses"]["BadRequest"];
      401: components["responses"]["NotAuthenticated"];
      403: components["responses"]["NotAuthorized"];
      404: components["responses"]["NotFound"];
      409: components["responses"]["Conflict"];
      413: components["responses"]["TooLarge"];
      415: components["responses"]["UnsupportedMediaType"];
      422: components["responses"]["Refused"];
      429: components["responses"]["Throttled"];
      500: components["responses"]["Broken"];
      503: components["responses"]["Unavailable"];
      504: components["responses"]["TimedOut"];
    };
  };
  "appeal-application": {
    parameters: {
      query?: never;
      header: {
        /**
         * @description Identifies this request: if no answer arrives, send the same request with the same key again. A UUID is a good key. Another
         *     request with the same key is refused.
         * @example 4b0d7c9e-2f4a-4a39-8a63-0a8c5d7e1f22
         */
        "Idempotency-Key": components["parameters"]["IdempotencyKey"];
      };
      path: {
        /** @description The id of the application. */
        applicationId: components["parameters"]["ApplicationId"];
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        "application/json": components["schemas"]["ReasonRequest"];
      };
    };
    responses: {
      /** @description The evidence is being judged again. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["AppealAnswer"];
        };
      };
      400: components["responses"]["BadRequest"];
      401: components["responses"]["NotAuthenticated"];
      403: components["responses"]["NotAuthorized"];
      404: components["responses"]["NotFound"];
      409: components["responses"]["Conflict"];
      413: components["responses"]["TooLarge"];
      415: components["responses"]["UnsupportedMediaType"];
      422: components["responses"]["Refused"];
      429: components["responses"]["Throttled"];
      500: components["responses"]["Broken"];
      503: components["responses"]["Unavailable"];
      504: components["responses"]["TimedOut"];
    };
  };
  "hold-application": {
    parameters: {
      query?: never;
      header: {
        /**
         * @description Identifies this request: if no answer arrives, send the same request with the same key again. A UUID is a good key. Another
         *     request with the same key is refused.
         * @example 4b0d7c9e-2f4a-4a39-8a63-0a8c5d7e1f22
         */
        "Idempotency-Key": components["parameters"]["IdempotencyKey"];
      };
      path: {
        /** @description The id of the application. */
        applicationId: components["parameters"]["ApplicationId"];
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        "application/json": components["schemas"]["ReasonRequest"];
      };
    };
    responses: {
      /** @description The data are held. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["DoneAnswer"];
        };
      };
      400: components["responses"]["BadRequest"];
      401: components["responses"]["NotAuthenticated"];
      403: components["responses"]["NotAuthorized"];
      404: components["responses"]["NotFound"];
      409: components["responses"]["Conflict"];
      413: components["responses"]["TooLarge"];
      415: components["responses"]["UnsupportedMediaType"];
      422: components["responses"]["Refused"];
      429: components["responses"]["Throttled"];
      500: components["responses"]["Broken"];
      503: components["responses"]["Unavailable"];
      504: components["responses"]["TimedOut"];
    };
  };
  "unhold-application": {
    parameters: {
      query?: never;
      header: {
        /**
         * @description Identifies this request: if no answer arrives, send the same request with the same key again. A UUID is a good key. Another
         *     request with the same key is refused.
         * @example 4b0d7c9e-2f4a-4a39-8a63-0a8c5d7e1f22
         */
        "Idempotency-Key": components["parameters"]["IdempotencyKey"];
      };
      path: {
        /** @description The id of the application. */
        applicationId: components["parameters"]["ApplicationId"];
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        "application/json": components["schemas"]["ReasonRequest"];
      };
    };
    responses: {
      /** @description The data are not held. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["DoneAnswer"];
        };
      };
      400: components["responses"]["BadRequest"];
      401: components["responses"]["NotAuthenticated"];
      403: components["responses"]["NotAuthorized"];
      404: components["responses"]["NotFound"];
      409: components["responses"]["Conflict"];
      413: components["responses"]["TooLarge"];
      415: components["responses"]["UnsupportedMediaType"];
      422: components["responses"]["Refused"];
      429: components["responses"]["Throttled"];
      500: components["responses"]["Broken"];
      503: components["responses"]["Unavailable"];
      504: components["responses"]["TimedOut"];
    };
  };
  "end-relationship": {
    parameters: {
      query?: never;
      header: {
        /**
         * @description Identifies this request: if no answer arrives, send the same request with the same key again. A UUID is a good key. Another
         *     request with the same key is refused.
         * @example 4b0d7c9e-2f4a-4a39-8a63-0a8c5d7e1f22
         */
        "Idempotency-Key": components["parameters"]["IdempotencyKey"];
      };
      path: {
        /** @description The id of the application. */
        applicationId: components["parameters"]["ApplicationId"];
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        "application/json": components["schemas"]["ReasonRequest"];
      };
    };
    responses: {
      /** @description The relationship has ended. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["DoneAnswer"];
        };
      };
      400: components["responses"]["BadRequest"];
      401: components["responses"]["NotAuthenticated"];
      403: components["responses"]["NotAuthorized"];
      404: components["responses"]["NotFound"];
      409: components["responses"]["Conflict"];
      413: components["responses"]["TooLarge"];
      415: components["responses"]["UnsupportedMediaType"];
      422: components["responses"]["Refused"];
      429: components["responses"]["Throttled"];
      500: components["responses"]["Broken"];
      503: components["responses"]["Unavailable"];
      504: components["responses"]["TimedOut"];
    };
  };
  "resume-relationship": {
    parameters: {
      query?: never;
      header: {
        /**
         * @description Identifies this request: if no answer arrives, send the same request with the same key again. A UUID is a good key. Another
         *     request with the same key is refused.
         * @example 4b0d7c9e-2f4a-4a39-8a63-0a8c5d7e1f22
         */
        "Idempotency-Key": components["parameters"]["IdempotencyKey"];
      };
      path: {
        /** @description The id of the application. */
        applicationId: components["parameters"]["ApplicationId"];
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        "application/json": components["schemas"]["ReasonRequest"];
      };
    };
    responses: {
      /** @description The relationship lasts. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["DoneAnswer"];
        };
      };
      400: components["responses"]["BadRequest"];
      401: components["responses"]["NotAuthenticated"];
      403: components["responses"]["NotAuthorized"];
      404: components["responses"]["NotFound"];
      409: components["responses"]["Conflict"];
      413: components["responses"]["TooLarge"];
      415: components["responses"]["UnsupportedMediaType"];
      422: components["responses"]["Refused"];
      429: components["responses"]["Throttled"];
      500: components["responses"]["Broken"];
      503: components["responses"]["Unavailable"];
      504: components["responses"]["TimedOut"];
    };
  };
  "erase-application": {
    parameters: {
      query?: never;
      header: {
        /**
         * @description Identifies this request: if no answer arrives, send the same request with the same key again. A UUID is a good key. Another
         *     request with the same key is refused.
         * @example 4b0d7c9e-2f4a-4a39-8a63-0a8c5d7e1f22
         */
        "Idempotency-Key": components["parameters"]["IdempotencyKey"];
      };
      path: {
        /** @description The id of the application. */
        applicationId: components["parameters"]["ApplicationId"];
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        "application/json": components["schemas"]["EraseRequest"];
      };
    };
    responses: {
      /** @description What would be erased, or the execution that erases. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["EraseAnswer"];
        };
      };
      400: components["responses"]["BadRequest"];
      401: components["responses"]["NotAuthenticated"];
      403: components["responses"]["NotAuthorized"];
      404: components["responses"]["NotFound"];
      409: components["responses"]["Conflict"];
      413: components["responses"]["TooLarge"];
      415: components["responses"]["UnsupportedMediaType"];
      422: components["responses"]["Refused"];
      429: components["responses"]["Throttled"];
      500: components["responses"]["Broken"];
      503: components["responses"]["Unavailable"];
      504: components["responses"]["TimedOut"];
    };
  };
  "record-access": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The id of the application. */
        applicationId: components["parameters"]["ApplicationId"];
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The look is recorded. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["DoneAnswer"];
        };
      };
      400: components["responses"]["BadRequest"];
      401: components["responses"]["NotAuthenticated"];
      403: components["responses"]["NotAuthorized"];
      404: components["responses"]["NotFound"];
      415: components["responses"]["UnsupportedMediaType"];
      429: components["responses"]["Throttled"];
      500: components["responses"]["Broken"];
      503: components["responses"]["Unavailable"];
      504: components["responses"]["TimedOut"];
    };
  };
  "replay-execution": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The name of the state machine and that of the execution, with a tilde between them. */
        execution: components["parameters"]["Execution"];
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        "application/json": components["schemas"]["ReplayRequest"];
      };
    };
    responses: {
      /** @description What was done, or would be done, and why. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["ReplayAnswer"];
        };
      };
      400: components["responses"]["BadRequest"];
      401: components["responses"]["NotAuthenticated"];
      403: components["responses"]["NotAuthorized"];
      404: components["responses"]["NotFound"];
      409: components["responses"]["Conflict"];
      413: components["responses"]["TooLarge"];
      415: components["responses"]["UnsupportedMediaType"];
      429: components["responses"]["Throttled"];
      500: components["responses"]["Broken"];
      503: components["responses"]["Unavailable"];
      504: components["responses"]["TimedOut"];
    };
  };
  describe: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description This document. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": Record<string, never>;
        };
      };
      415: components["responses"]["UnsupportedMediaType"];
      429: components["responses"]["Throttled"];
      500: components["responses"]["Broken"];
    };
  };
}
