import { describe, expect, it } from "vitest";
import { type Machine, machines, parse } from "./machines";
import { RULES } from "./rules";

/** Each defect is inserted into a correct machine, and its rule has to find it. */
interface Defect {
  readonly rule: string;
  readonly defect: string;
  readonly machine: string;
  /** Changes the definition … */
  readonly insert?: (definition: any) => void;
  /** … or its text. */
  readonly rewrite?: (text: string) => string;
  readonly found: string;
}

const all = machines();

const DEFECTS: readonly Defect[] = [
  {
    rule: "is a commented JSONata definition with a timeout",
    defect: "JSONPath",
    machine: "onboarding",
    insert: (m) => void (m.QueryLanguage = "JSONPath"),
    found: "QueryLanguage",
  },
  {
    rule: "is a commented JSONata definition with a timeout",
    defect: "no execution timeout",
    machine: "onboarding",
    insert: (m) => void delete m.TimeoutSeconds,
    found: "TimeoutSeconds",
  },
  {
    rule: "is a commented JSONata definition with a timeout",
    defect: "a comment without the output",
    machine: "onboarding",
    insert: (m) => void (m.Comment = "Onboards."),
    found: "Comment",
  },
  {
    rule: "passes asl-validator as it is deployed",
    defect: "a dangling Next",
    machine: "onboarding",
    insert: (m) => void (m.States.DeleteFace.Next = "Nowhere"),
    found: "Nowhere",
  },
  {
    rule: "has only tokens that can be substituted",
    defect: "a misspelled token",
    machine: "onboarding",
    insert: (m) => void (m.States.NotifyOutcome.Arguments.TopicArn = "${Notifications-Topic}"),
    found: "${Notifications-Topic} is no token",
  },
  {
    rule: "has only states that these rules understand",
    defect: "a Map state",
    machine: "onboarding",
    insert: (m) => void (m.States.UnpackPackage = { Type: "Map", End: true }),
    found: "UnpackPackage is a Map",
  },
  {
    rule: "has only states that these rules understand",
    defect: "a terminal that assigns",
    machine: "record-failure",
    insert: (m) => void (m.States.Done.Assign = {}),
    found: "Done does more than end",
  },
  ...["UnpackStep", "LambdaUnpack", "Unpack2", "unpackPackage", "UnpackPass", "IsUnpacked"].map((name) => ({
    rule: "names states by what they do, and Choices as questions",
    defect: `the Task ${name}`,
    machine: "onboarding",
    rewrite: (text: string) => text.replaceAll('"UnpackPackage"', `"${name}"`),
    found: name,
  })),
  {
    rule: "names states by what they do, and Choices as questions",
    defect: "a Choice that is no question",
    machine: "onboarding",
    rewrite: (text) => text.replaceAll("IsPackageUsable", "CheckPackage"),
    found: "CheckPackage is no question",
  },
  {
    rule: "gives every Task a timeout and the canonical Retry",
    defect: "a Task without a timeout",
    machine: "onboarding",
    insert: (m) => void delete m.States.DeleteFace.TimeoutSeconds,
    found: "DeleteFace has no TimeoutSeconds",
  },
  {
    rule: "gives every Task a timeout and the canonical Retry",
    defect: "one error less to retry",
    machine: "onboarding",
    insert: (m) => void m.States.DeleteFace.Retry[0].ErrorEquals.shift(),
    found: "DeleteFace has another Retry",
  },
  {
    rule: "gives every Task a timeout and the canonical Retry",
    defect: "no jitter",
    machine: "onboarding",
    insert: (m) => void delete m.States.DeleteFace.Retry[1].JitterStrategy,
    found: "DeleteFace has another Retry",
  },
  {
    rule: "gives every Task a timeout and the canonical Retry",
    defect: "a wait of hours that is repeated",
    machine: "third-party-check",
    insert: (m) => void m.States.RequestValidation.Retry[1].ErrorEquals.push("States.Timeout"),
    found: "RequestValidation has another Retry",
  },
  {
    rule: "limits each wait for a task token",
    defect: "no heartbeat",
    machine: "third-party-check",
    insert: (m) => void delete m.States.RequestValidation.HeartbeatSeconds,
    found: "RequestValidation: HeartbeatSeconds",
  },
  {
    rule: "limits each wait for a task token",
    defect: "a heartbeat that the timeout forestalls",
    machine: "third-party-check",
    insert: (m) => void (m.States.RequestValidation.HeartbeatSeconds = m.States.RequestValidation.TimeoutSeconds),
    found: "RequestValidation: HeartbeatSeconds",
  },
  {
    rule: "limits each wait for a task token",
    defect: "a message without the token",
    machine: "third-party-check",
    insert: (m) => void delete m.States.RequestValidation.Arguments.MessageBody.taskToken,
    found: "RequestValidation sends no token",
  },
  {
    rule: "limits each wait for a task token",
    defect: "a wait for a reviewer that fails when it ends",
    machine: "human-review",
    insert: (m) => void m.States.WaitForDecision.Catch.pop(),
    found: "WaitForDecision does not catch States.Timeout",
  },
  {
    rule: "limits each wait for a task token",
    defect: "a wait for a reviewer whose end is no expression",
    machine: "human-review",
    insert: (m) => void (m.States.WaitForDecision.TimeoutSeconds = "2592000"),
    found: "WaitForDecision: TimeoutSeconds is no expression",
  },
  {
    rule: "waits longer for a child than the child may take, and links it to its parent",
    defect: "a parent that gives up first",
    machine: "onboarding",
    insert: (m) => void (m.States.VerifyIdentity.TimeoutSeconds = 60),
    found: "VerifyIdentity gives up before its child",
  },
  {
    rule: "waits longer for a child than the child may take, and links it to its parent",
    defect: "a child without its parent's name",
    machine: "identity-verification",
    insert: (m) => void delete m.States.CompareWithDocument.Arguments.Input.AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID,
    found: "CompareWithDocument does not pass on its execution",
  },
  {
    rule: "names each child by execution and redrive, so that a lost answer starts no duplicate",
    defect: "a child that AWS names",
    machine: "onboarding",
    insert: (m) => void delete m.States.VerifyIdentity.Arguments.Name,
    found: "VerifyIdentity names its child by nothing",
  },
  {
    rule: "names each child by execution and redrive, so that a lost answer starts no duplicate",
    defect: "one name for the children of all submissions of an application",
    machine: "onboarding",
    rewrite: (text) => text.replace("& $submissionId & '-identity-'", "& '-identity-'"),
    found: "VerifyIdentity names its child by nothing",
  },
  {
    rule: "names each child by execution and redrive, so that a lost answer starts no duplicate",
    defect: "a redrive that finds its failed child again",
    machine: "identity-verification",
    insert: (m) => void (m.States.CompareWithDocument.Arguments.Name = "{% $states.context.Execution.Name & '-compare' %}"),
    found: "CompareWithDocument gives its child the same name",
  },
  {
    rule: "has time for all attempts of all its Tasks",
    defect: "a timeout before the last attempt of the last Task",
    machine: "identity-compare",
    // Three Tasks with eight attempts of 60 seconds and one of 90, each with waits of 182 seconds in all.
    insert: (m) => void (m.TimeoutSeconds = 3 * (8 * 60 + 182) + (8 * 90 + 182)),
    found: "TimeoutSeconds is 2888, but the Tasks may take 2888",
  },
  {
    rule: "has time for all attempts of all its Tasks",
    defect: "an end before those whom it waits for",
    machine: "third-party-check",
    insert: (m) => void (m.TimeoutSeconds = m.States.RequestValidation.TimeoutSeconds),
    found: "TimeoutSeconds is 14400",
  },
  {
    rule: "explains every rule of a Choice and every Catch",
    defect: "a rule without a comment",
    machine: "onboarding",
    insert: (m) => void delete m.States.IsPackageUsable.Choices[0].Comment,
    found: "IsPackageUsable.Choices[0]",
  },
  {
    rule: "explains every rule of a Choice and every Catch",
    defect: "a Catch without a comment",
    machine: "identity-compare",
    insert: (m) => void delete m.States.CompareFaces.Catch[0].Comment,
    found: "CompareFaces.Catch[0]",
  },
  {
    rule: "explains every rule of a Choice and every Catch",
    defect: "a Choice that may match nothing",
    machine: "onboarding",
    insert: (m) => void delete m.States.IsPackageUsable.Default,
    found: "IsPackageUsable has no Default",
  },
  ...[
    ["$package.size > 99", "has 99"],
    ["$package.size >= -30", "has -30"],
    ["$package.size = 1", "has 1"],
    ["$count($reasons) > 2", "has 2"],
    ["$count($package.sizes[$ > 5]) = 0", "has 5"],
    ["$count($reasons) + 1 = $package.size", "has 1"],
    ["$package.size > ${SimilarityPass}5", "is no JSONata"],
  ].map(([code, found]) => ({
    rule: "compares with thresholds of thresholds.json only",
    defect: code as string,
    machine: "onboarding",
    insert: (m: any) => void (m.States.IsPackageUsable.Choices[0].Condition = `{% ${code} %}`),
    found: `IsPackageUsable.Choices[0].Condition ${found}`,
  })),
  {
    rule: "compares with thresholds of thresholds.json only",
    defect: "a number in what a Choice assigns",
    machine: "onboarding",
    insert: (m) => void (m.States.IsPackageUsable.Assign = { defects: { A: "{% $package.size >= 99 ? false : true %}" } }),
    found: "IsPackageUsable.Assign.defects.A has 99",
  },
  ...[
    ["States.ALL", "catches States.ALL"],
    ["DynamoDB.ConditionalCheckFailedException", "its service has the prefix Rekognition"],
    ["Bonafide.FaceNotFound", "which no worker returns"],
  ].map(([error, found]) => ({
    rule: "catches errors by the names that the service has",
    defect: `a Catch of ${error}`,
    machine: "identity-compare",
    insert: (m: any) => void (m.States.CompareFaces.Catch[0].ErrorEquals = [error]),
    found: found as string,
  })),
  {
    rule: "fails at its own Task: no Fail state behind a Catch",
    defect: "a Fail state some way behind a Catch",
    machine: "identity-compare",
    insert: (m) => void (m.States.RecordCheck = { Type: "Fail" }),
    found: "RecordCheck is behind a Catch",
  },
  {
    rule: "records its failures itself if it is an Express machine, and still fails",
    defect: "a Task whose failure is not recorded",
    machine: "agent-onboarding",
    insert: (m) => void m.States.CreateCustomer.Catch.pop(),
    found: "CreateCustomer does not end its Catches",
  },
  {
    rule: "records its failures itself if it is an Express machine, and still fails",
    defect: "a failure that is returned as a result",
    machine: "agent-onboarding",
    insert: (m) => void (m.States.VerifyIdentity.Catch[0].Next = "Completed"),
    found: "VerifyIdentity does not end its Catches",
  },
  {
    rule: "records its failures itself if it is an Express machine, and still fails",
    defect: "a timeout above the platform's limit",
    machine: "agent-onboarding",
    insert: (m) => void (m.TimeoutSeconds = 900),
    found: "longer than Express executions can",
  },
  {
    rule: "records its failures itself if it is an Express machine, and still fails",
    defect: "an end that no alarm counts",
    machine: "agent-onboarding",
    insert: (m) => void (m.States.Failed = { Type: "Succeed" }),
    found: "no Fail state",
  },
  {
    rule: "returns no personal data of an Express execution",
    defect: "the identity beside the result",
    machine: "agent-onboarding",
    insert: (m) => void (m.States.IsExtractionEnough.Choices[0].Output.identity = "{% $identity %}"),
    found: "gives identity",
  },
  {
    rule: "returns no personal data of an Express execution",
    defect: "a name inside an expression",
    machine: "agent-onboarding",
    insert: (m) => void (m.States.NotifyOutcome.Output = "{% {'sessionId': $sessionId, 'firstName': $identity.firstName} %}"),
    found: "gives firstName",
  },
  {
    rule: "returns no personal data of an Express execution",
    defect: "an end that returns its input",
    machine: "agent-onboarding",
    insert: (m) => void delete m.States.IsVerificationEnough.Choices[0].Output,
    found: "IsVerificationEnough hands its Completed",
  },
  {
    rule: "returns no personal data of an Express execution",
    defect: "a failure with its cause",
    machine: "agent-onboarding",
    insert: (m) => void (m.States.Failed.Cause = "{% $failure.cause %}"),
    found: "Failed gives a Cause",
  },
  {
    rule: "calls services as AWS spells them",
    defect: "a misspelled action",
    machine: "identity-compare",
    insert: (m) => void (m.States.CompareFaces.Resource = "arn:aws:states:::aws-sdk:rekognition:compareFace"),
    found: "compareFace",
  },
  {
    rule: "calls services as AWS spells them",
    defect: "a misspelled argument",
    machine: "identity-compare",
    rewrite: (text) => text.replace('"SimilarityThreshold"', '"SimilarityTreshold"'),
    found: "unknown SimilarityTreshold",
  },
  {
    rule: "calls services as AWS spells them",
    defect: "a picture without its version",
    machine: "identity-compare",
    insert: (m) => void delete m.States.CompareFaces.Arguments.SourceImage.S3Object.Version,
    found: "SourceImage.S3Object lacks Version",
  },
  {
    rule: "uses every name and value of its DynamoDB expressions",
    defect: "a value that is not given",
    machine: "identity-compare",
    insert: (m) => void delete m.States.RecordCheck.Arguments.ExpressionAttributeValues[":check"],
    found: "RecordCheck uses :check without giving it",
  },
  {
    rule: "uses every name and value of its DynamoDB expressions",
    defect: "a name that is not used",
    machine: "identity-compare",
    insert: (m) => void (m.States.RecordCheck.Arguments.ExpressionAttributeNames = { "#other": "other" }),
    found: "RecordCheck gives #other without using it",
  },
  ...[undefined, "attribute_exists(applicationId)", "attribute_exists(submissionId) OR attribute_not_exists(upload)"].map((condition) => ({
    rule: "writes to a submission only when there is one",
    defect: `the condition ${condition}`,
    machine: "identity-compare",
    insert: (m: any) => void (m.States.RecordCheck.Arguments.ConditionExpression = condition),
    found: "RecordCheck may make a submission",
  })),
  {
    rule: "has no leftovers of JSONPath",
    defect: "a path",
    machine: "onboarding",
    insert: (m) => void (m.States.UnpackPackage.Arguments.Payload.package = "$.package"),
    found: "$.package",
  },
  {
    rule: "has no leftovers of JSONPath",
    defect: "a field with .$",
    machine: "onboarding",
    rewrite: (text) => text.replace('"applicationId": "{% $states.input.applicationId %}"', '"applicationId.$": "x"'),
    found: "applicationId.$",
  },
  {
    rule: "has no leftovers of JSONPath",
    defect: "a ResultPath",
    machine: "onboarding",
    insert: (m) => void (m.States.UnpackPackage.ResultPath = null),
    found: "UnpackPackage has ResultPath",
  },
  ...[
    ["{% $count($x %}", "is no JSONata"],
    ["{% applicationId %}", "reads applicationId of nothing"],
    ["{% $eval('1') %}", "calls $eval()"],
    ["{% $lenght('x') %}", "calls $lenght()"],
    ["{% $ %}", "uses $ where"],
    ["id-{% $applicationId %}", "only partly an expression"],
    ["{% {'L': $package.reasons} %}", "gives DynamoDB an L without"],
  ].map(([code, found]) => ({
    rule: "has valid expressions that fill the whole value",
    defect: code as string,
    machine: "onboarding",
    insert: (m: any) => void (m.States.NotifyOutcome.Output.outcome = code),
    found: found as string,
  })),
  ...[
    ["$outcmoe = 'pass'", "reads $outcmoe"],
    // Assigned later, and on one path only.
    ["$others = []", "reads $others"],
    ["$map([1], function($value) { $value + $other }) = [1]", "reads $other"],
    ["($seen := 1; $seen = $unseen)", "reads $unseen"],
  ].map(([code, found]) => ({
    rule: "reads only variables that were assigned on every path to the place",
    defect: code as string,
    machine: "onboarding",
    insert: (m: any) => void (m.States.IsPackageUsable.Choices[0].Condition = `{% ${code} %}`),
    found: found as string,
  })),
  {
    rule: "reads only variables that were assigned on every path to the place",
    defect: "a first state that does not assign one of the variables",
    machine: "identity-verification",
    insert: (m) => void delete m.States.ReadInput.Assign.duplicate,
    found: "RecordCheck.Arguments.ExpressionAttributeValues.:duplicateFaceId reads $duplicate",
  },
  {
    rule: "reads only variables that were assigned on every path to the place",
    defect: "a variable that is read in the state that assigns it",
    machine: "onboarding",
    insert: (m) => void (m.States.SearchIndexedFace.Output = "{% $others %}"),
    found: "SearchIndexedFace.Output reads $others",
  },
  {
    rule: "assigns only variables that are read",
    defect: "an unused variable",
    machine: "onboarding",
    insert: (m) => void (m.States.UnpackPackage.Assign.leftover = 1),
    found: "UnpackPackage.Assign assigns $leftover",
  },
  {
    rule: "gives no variable the name of a function",
    defect: "a variable called match",
    machine: "onboarding",
    insert: (m) => void (m.States.UnpackPackage.Assign.match = 1),
    found: "UnpackPackage.Assign assigns $match",
  },
  ...[
    ["UnpackPackage", "Arguments", "{% $states.result.x %}", "reads $states.result"],
    ["UnpackPackage", "Assign", "{% $states.errorOutput.Error %}", "reads $states.errorOutput"],
    ["UnpackPackage", "Arguments", "{% $states.context.Execution.Identifier %}", "Execution.Identifier, which is not there"],
    ["UnpackPackage", "Arguments", "{% $states.context.Task.Token %}", "has no token"],
    ["UnpackPackage", "Arguments", "{% $states.context.Execution.RedriveCount %}", "does not ask whether"],
    ["UnpackPackage", "Arguments", "{% $exists($kind) ? $states.context.Execution.RedriveCount : 0 %}", "does not ask whether"],
    ["UnpackPackage", "Arguments", "{% $string($states) %}", "takes $states as a whole"],
  ].map(([state, field, code, found]) => ({
    rule: "reads of $states only what is available at the place",
    defect: `${code} in ${field}`,
    machine: "onboarding",
    insert: (m: any) => void (m.States[state as string][field as string].extra = code),
    found: found as string,
  })),
  ...[
    ["Arguments", "{% $states.input.package %}", "VerifyIdentity.Arguments.extra reads $states.input.package"],
    ["Assign", "{% $states.context.Execution.Input.kind %}", "VerifyIdentity.Assign.extra reads $states.context.Execution.Input.kind"],
  ].map(([field, code, found]) => ({
    rule: "reads its input in its first state only, and variables from there on",
    defect: `${code} in ${field}`,
    machine: "onboarding",
    insert: (m: any) => void (m.States.VerifyIdentity[field as string].extra = code),
    found: found as string,
  })),
  {
    rule: "ends with a constructed result, not with a service's raw answer",
    defect: "a last Task without an Output",
    machine: "onboarding",
    insert: (m) => void delete m.States.NotifyOutcome.Output,
    found: "NotifyOutcome returns the raw result of its service",
  },
  {
    rule: "ends with a constructed result, not with a service's raw answer",
    defect: "a terminal without an Output behind a Task without one",
    machine: "agent-onboarding",
    insert: (m) => void delete m.States.NotifyOutcome.Output,
    found: "Concluded returns the raw result of the state before",
  },
  {
    rule: "ends with a constructed result, not with a service's raw answer",
    defect: "a Catch that ends with the error",
    machine: "onboarding",
    insert: (m) => {
      m.States.Done = { Type: "Succeed" };
      m.States.DeleteFace.Catch = [{ ErrorEquals: ["Rekognition.InvalidParameterException"], Next: "Done" }];
    },
    found: "Done returns the raw error of the state before",
  },
  {
    rule: "never returns to a state, except to process a list or to ask a reviewer",
    defect: "a Choice that returns to itself",
    machine: "onboarding",
    insert: (m) => void (m.States.IsPackageUsable.Choices[0].Next = "IsPackageUsable"),
    found: "IsPackageUsable is on a cycle",
  },
  {
    rule: "never returns to a state, except to process a list or to ask a reviewer",
    defect: "a way back",
    machine: "onboarding",
    insert: (m) => void (m.States.IsPackageUsable.Default = "UnpackPackage"),
    found: "UnpackPackage is on a cycle",
  },
  {
    rule: "never returns to a state, except to process a list or to ask a reviewer",
    defect: "a way back beside the reviewer",
    machine: "onboarding",
    insert: (m) => void (m.States.IsConcluded.Default = "IndexFace"),
    found: "IndexFace is on a cycle",
  },
  {
    rule: "never returns to a state, except to process a list or to ask a reviewer",
    defect: "a list that becomes no shorter when an error is caught",
    machine: "sweep-submissions",
    insert: (m) => void (m.States.DescribeExecution.Catch[0].Assign.unfinished = "{% $unfinished %}"),
    found: "DescribeExecution is on a cycle",
  },
  {
    rule: "keeps personal data out of the state",
    defect: "details of many",
    machine: "sweep-submissions",
    insert: (m) => void (m.States.FindUnfinished.Arguments.ProjectionExpression += ", details"),
    found: "FindUnfinished reads details into the state",
  },
  {
    rule: "keeps personal data out of the state",
    defect: "a name in a variable",
    machine: "document-extraction",
    insert: (m) => void (m.States.ExtractDocument.Assign.firstName = "{% $states.result.firstName %}"),
    found: "assigns $firstName",
  },
  {
    rule: "keeps personal data out of the state",
    defect: "a row read as a whole",
    machine: "agent-onboarding",
    insert: (m) => void delete m.States.LoadSession.Arguments.ProjectionExpression,
    found: "LoadSession reads * into the state",
  },
  {
    rule: "keeps personal data out of the state",
    defect: "a column read",
    machine: "agent-onboarding",
    insert: (m) => void (m.States.LoadSession.Arguments.ProjectionExpression = "#document, FIRST_NAME"),
    found: "LoadSession reads FIRST_NAME",
  },
  {
    rule: "keeps personal data out of the state",
    defect: "a person's row in a history that is kept",
    machine: "onboarding",
    insert: (m) =>
      void (m.States.UnpackPackage = {
        Type: "Task",
        Resource: "arn:aws:states:::dynamodb:getItem",
        Arguments: { ProjectionExpression: "#identity", ExpressionAttributeNames: { "#identity": "identity" } },
      }),
    found: "UnpackPackage reads identity into the state",
  },
  {
    rule: "keeps personal data out of the state",
    defect: "a row returned as a whole",
    machine: "identity-verification",
    insert: (m) => void (m.States.RecordCheck.Arguments.ReturnValues = "ALL_OLD"),
    found: "RecordCheck has the whole row returned",
  },
  {
    rule: "keeps personal data out of the state",
    defect: "more in a message than subscribers were promised",
    machine: "third-party-check",
    rewrite: (text) => text.replace("'check': 'thirdPartyCheck', 'outcome'", "'check': 'thirdPartyCheck', 'scores': $scores, 'outcome'"),
    found: "publishes scores",
  },
  {
    rule: "does not depend on HTTP metadata, which emulators and retries do not have",
    defect: "SdkHttpMetadata",
    machine: "onboarding",
    insert: (m) => void (m.States.UnpackPackage.Assign.at = "{% $states.result.SdkHttpMetadata.x %}"),
    found: "SdkHttpMetadata",
  },
  {
    rule: "gives only reasons that the domain knows",
    defect: "an unknown reason in a list",
    machine: "identity-compare",
    rewrite: (text) => text.replace('"FACE_MISMATCH"', '"FACES_MISMATCH"'),
    found: "says FACES_MISMATCH",
  },
  {
    rule: "gives only reasons that the domain knows",
    defect: "an unknown reason among the defects",
    machine: "document-extraction",
    rewrite: (text) => text.replaceAll('"ADDRESS_MISMATCH"', '"ADDRESS_DIFFERS"'),
    found: "says ADDRESS_DIFFERS",
  },
  {
    rule: "gives every outcome reasons of its class, always as a list",
    defect: "a correctable reason of a final outcome",
    machine: "identity-compare",
    rewrite: (text) => text.replace('"reasons": ["FACE_MISMATCH"]', '"reasons": ["DOCUMENT_MISSING"]'),
    found: "DOCUMENT_MISSING is correctable, the outcome decline",
  },
  {
    rule: "gives every outcome reasons of its class, always as a list",
    defect: "a defect of another class",
    machine: "document-extraction",
    rewrite: (text) => text.replaceAll('"ADDRESS_UNREADABLE"', '"ADDRESS_MISMATCH"'),
    found: "ADDRESS_MISMATCH is final, the outcome resubmit",
  },
  {
    rule: "gives every outcome reasons of its class, always as a list",
    defect: "a refusal without a reason",
    machine: "identity-compare",
    rewrite: (text) => text.replace('"reasons": ["FACE_MISMATCH"]', '"reasons": []'),
    found: "refuses without a reason",
  },
  {
    rule: "gives every outcome reasons of its class, always as a list",
    defect: "a list that collapses",
    machine: "onboarding",
    rewrite: (text) => text.replace("[$states.result.Output.reasons]", "$states.result.Output.reasons"),
    found: "would no longer be a list",
  },
];

function broken({ machine, insert, rewrite }: Defect): Machine {
  const { name, text } = all.find((candidate) => candidate.name === machine) as Machine;
  const definition = JSON.parse(rewrite?.(text) ?? text);
  insert?.(definition);
  const changed = JSON.stringify(definition);
  if (changed === JSON.stringify(JSON.parse(text))) throw new Error("the machine no longer has what this defect changes");
  return parse(name, changed);
}

describe("the rule that a machine", () => {
  it.each(DEFECTS)("$rule finds $defect", (defect) => {
    const rule = RULES.find(({ name }) => name === defect.rule);
    const machine = broken(defect);
    expect(rule?.check(machine, all).join("\n")).toContain(defect.found);
  });

  it.each(RULES)("$name is tried", ({ name }) => {
    expect(DEFECTS.some(({ rule }) => rule === name)).toBe(true);
  });
});
