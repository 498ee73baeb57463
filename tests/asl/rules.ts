import aslValidator from "asl-validator";
import { EXPRESS_MACHINES } from "../../cdk/lib/names";
import { MOST_REVIEW_DAYS } from "../../cdk/lib/settings";
import { THRESHOLDS } from "../../cdk/lib/thresholds";
import { codeOf, factsOf, FUNCTIONS } from "./expressions";
import { type Edge, edges, flow, type Site, sites, uses } from "./flow";
import { type Definition, isTask, leaves, type Machine, type Retrier, type State, TOKEN } from "./machines";
import { type ReasonClass, reasons } from "./reasons";
import { INTEGRATIONS, misspelled } from "./services";

export interface Rule {
  readonly name: string;
  /** The problems, each with its place. `others` are all machines. */
  readonly check: (machine: Machine, others: readonly Machine[]) => string[];
}

/** Errors that are never retried. */
const NEVER = [
  "Bonafide.Internal",
  "Bonafide.InvalidInput",
  "DynamoDB.ConditionalCheckFailedException",
  "States.QueryEvaluationError",
  "States.DataLimitExceeded",
  "States.Permissions",
];

/** About two minutes in all: a short outage of a service must not fail all running executions. */
const STANDARD_RETRY = { IntervalSeconds: 2, MaxAttempts: 7, BackoffRate: 2, MaxDelaySeconds: 60, JitterStrategy: "FULL" };

/** The longest total wait between those attempts. */
const RETRY_WAIT_SECONDS = Array.from({ length: STANDARD_RETRY.MaxAttempts }, (_, tried) =>
  Math.min(STANDARD_RETRY.IntervalSeconds * STANDARD_RETRY.BackoffRate ** tried, STANDARD_RETRY.MaxDelaySeconds),
).reduce((sum, delay) => sum + delay);

/** An Express execution may take minutes only, and a person waits for it. */
const EXPRESS_RETRY = { IntervalSeconds: 1, MaxAttempts: 4, BackoffRate: 2, MaxDelaySeconds: 8, JitterStrategy: "FULL" };

/** The Retry of each Task. It names the errors that are not retried, so that an unlisted error is. */
function canonicalRetry(machine: Machine, state: State): readonly Retrier[] {
  const policy = isExpress(machine) ? EXPRESS_RETRY : STANDARD_RETRY;
  // A failed child has retried its own Tasks: only the call that starts it is retried, or the attempts would multiply.
  if (isChildWait(state))
    return [
      {
        ErrorEquals: ["StepFunctions.ThrottlingException", "StepFunctions.AWSStepFunctionsException", "StepFunctions.SdkClientException"],
        ...policy,
      },
    ];
  const caught = (state.Catch ?? []).flatMap(({ ErrorEquals }) => ErrorEquals).filter((name) => name !== "States.ALL");
  const never = [...new Set([...caught, ...NEVER])];
  // A wait for a token times out after hours without an answer only: the execution fails, and can be replayed. A reviewer may take days.
  return isTokenWait(state)
    ? [
        { ErrorEquals: [...never, "States.HeartbeatTimeout"], MaxAttempts: 0 },
        { ErrorEquals: ["States.TaskFailed"], ...policy },
      ]
    : [
        { ErrorEquals: never, MaxAttempts: 0 },
        { ErrorEquals: ["States.TaskFailed", "States.Timeout"], ...policy },
      ];
}

/** An Express execution has no history and sends no event: it may hold more data, and has to record its failures itself. */
const isExpress = ({ name }: Machine): boolean => (EXPRESS_MACHINES as readonly string[]).includes(name);

const isTokenWait = (state: State): boolean => state.Resource?.endsWith(".waitForTaskToken") === true;
/** A wait until the day by which a reviewer has to decide, which is known at run time only. */
const isReviewWait = (state: State): boolean => isTokenWait(state) && typeof state.TimeoutSeconds === "string";
const isChildWait = (state: State): boolean => state.Resource?.endsWith(".sync:2") === true;

/** The longest time of a Task with all its attempts; a wait for a token or a child happens once. */
const longest = (state: State): number => {
  const once = isReviewWait(state) ? MOST_REVIEW_DAYS * 86_400 : Number(state.TimeoutSeconds ?? 0);
  return isTokenWait(state) || isChildWait(state) ? once : (STANDARD_RETRY.MaxAttempts + 1) * once + RETRY_WAIT_SECONDS;
};

const QUESTION = /^(Is|Has|Does|Do|Are|Was|Can)[A-Z]/;
const FORBIDDEN_WORDS = new Set(["Step", "Lambda", "Task", "Choice", "State", "Pass"]);

/** The fields of `$states.context` (States Language, "Context object"). */
const CONTEXT = [
  /^Execution\.(Id|Name|RoleArn|StartTime|RedriveCount|RedriveTime|RedriveStatus)$/,
  /^Execution\.Input(\.|$)/,
  /^State\.(Name|EnteredTime|RetryCount)$/,
  /^StateMachine\.(Id|Name)$/,
  /^Task\.Token$/,
];

/** Worker errors are a closed set; a new name needs a machine that treats it differently. */
const WORKER_ERRORS = new Set(["Bonafide.InvalidInput", "Bonafide.Transient", "Bonafide.Internal"]);

/** Forbidden names of variables and projected attributes: the applicant's details, under any of their usual names. */
const PERSONAL =
  /^(details|documentFields|fields|(first|last|middle|full|given|family)_?name|name|suffix|(date_?of_?)?birth(_?date)?|dob|age|address|street|city|zip(_?code)?|county|(document|license|licence|driver_?license|passport|national)_?(number|id)|ssn|e_?mail|phone|nationality|gender|image|picture|photo|bytes)$/i;

/** The keys that an Express machine may return, also by the Output of a Choice or Task before its end. */
const RESULT_KEYS = new Set(["sessionId", "result", "reasons", "confidence", "customerId"]);

/** Attributes of the tables that hold references, codes and scores only. */
const PROJECTABLE = new Set([
  ...["applicationId", "document", "identityExtraction", "registryVerification", "identityCompare", "customerId"],
  ...["submissionId", "kind", "executionArn"],
  ...["heldAt", "erasureAt", "retention", "retentionFrom", "packageSubmission", "selfieSubmission", "documentSubmission"],
]);

/** Personal attributes of a conversation's row that an Express machine may read. */
const PROJECTABLE_BY_EXPRESS = new Set(["identity", "registryRecord"]);

const MESSAGE_KEYS = new Set(["eventId", "applicationId", "submissionId", "event", "check", "outcome", "reasons", "at"]);

/** Upper-case texts that are not reasons. */
const CONSTANTS = new Set([
  ...["AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID", "TIMED_OUT", "ABORTED", "UPDATED_NEW"],
  ...["IN_PROGRESS", "IN_REVIEW", "DECIDED", "FAILED"],
  ...["CHECK_NOT_PASSED", "APPLICATION_DECIDED", "PICTURE_JUDGED", "APPLICATION_FAILED"],
  ...["REGISTERED", "ALREADY_REGISTERED", "OK", "RESUBMIT", "UNVERIFIED"],
  ...["DEFAULT", "FACE_OCCLUDED", "SUNGLASSES"],
]);

const CODE = /^[A-Z]+(_[A-Z]+)+$/;

const CLASS_OF_OUTCOME: Readonly<Record<string, ReasonClass>> = { decline: "final", resubmit: "correctable" };

const states = ({ definition }: Machine): [string, State][] => Object.entries(definition.States);
const tasks = (machine: Machine): [string, State][] => states(machine).filter(([, state]) => isTask(state));

/** Whether a Choice tests for a remaining list item and the next state removes the first item on each of its transitions. */
function processesList({ definition }: Machine, { from, to, kind, index }: Edge): boolean {
  const condition = kind === "choice" ? definition.States[from]?.Choices?.[index]?.Condition : undefined;
  const list = /^\{% \$count\(\$(\w+)\) > 0 %\}$/.exec(condition ?? "")?.[1];
  if (list === undefined) return false;
  const next = definition.States[to];
  const rest = `{% [$${list}[[1..$count($${list})]]] %}`;
  return [next, ...(next?.Catch ?? [])].every((transition) => transition?.Assign?.[list] === rest);
}

/** Whether the next state waits for a reviewer, who ends any loop. */
const asksReviewer = ({ definition }: Machine, { to }: Edge): boolean =>
  definition.States[to]?.Arguments?.["StateMachineArn"] === "${HumanReviewMachineArn}";

/** All assignments, with the place of each. */
function assignments({ definition }: Machine): [place: string, values: Record<string, unknown>][] {
  return sites(definition)
    .filter(({ path }) => path.endsWith("Assign"))
    .map(({ state, path, value }) => [`${state}.${path}`, value as Record<string, unknown>]);
}

/** Literal texts of the definition, including those inside expressions. */
function* literals(machine: Machine): Generator<[place: string, text: string]> {
  for (const { state, path, value } of sites(machine.definition)) {
    for (const [leaf, text] of leaves(value, `${state}.${path}`))
      if (typeof text === "string" && codeOf(text) === undefined) yield [leaf, text];
  }
  for (const { site, path, facts } of uses(machine.definition)) for (const text of facts.strings) yield [`${site.state}.${path}`, text];
}

/** The names in each map of defects. */
function defects(machine: Machine): [place: string, name: string][] {
  return assignments(machine).flatMap(([place, values]) =>
    Object.keys(values["defects"] ?? {}).map((name): [string, string] => [`${place}.defects`, name]),
  );
}

/** The text with its tokens replaced by values of the right form. */
export function substituted(text: string): string {
  return text.replaceAll(TOKEN, (_, name: string) => {
    const threshold = THRESHOLDS[name];
    if (threshold !== undefined) return threshold;
    if (name.endsWith("MachineArn")) return `arn:aws:states:us-east-1:111122223333:stateMachine:${name}`;
    if (name.endsWith("TopicArn")) return `arn:aws:sns:us-east-1:111122223333:${name}`;
    if (name.endsWith("Arn")) return `arn:aws:lambda:us-east-1:111122223333:function:${name}`;
    if (name.endsWith("Url")) return `https://sqs.us-east-1.amazonaws.com/111122223333/${name}`;
    if (name === "MinimumAge") return "18";
    if (name === "ReviewDays" || name === "CustomerDays") return "30";
    if (name === "LicenseBackRequired") return "false";
    if (name === "LicenseQuestion") return "number";
    return name;
  });
}

function validated(text: string): string[] {
  const { isValid, errors } = aslValidator(JSON.parse(text), { checkArn: true, checkPaths: true });
  return isValid ? [] : errors.map((error) => JSON.stringify(error));
}

export const RULES: readonly Rule[] = [
  {
    name: "is a commented JSONata definition with a timeout",
    check: ({ definition }) => [
      ...(definition.QueryLanguage === "JSONata" ? [] : ["QueryLanguage is not JSONata"]),
      ...(/Input: .*Output: /.test(definition.Comment ?? "") ? [] : ["the Comment does not give purpose, Input and Output"]),
      ...(Number.isInteger(definition.TimeoutSeconds) ? [] : ["no TimeoutSeconds"]),
    ],
  },
  {
    name: "passes asl-validator as it is deployed",
    check: ({ text }) => validated(substituted(text)),
  },
  {
    name: "has only tokens that can be substituted",
    check: ({ text }) => [...substituted(text).matchAll(/\$\{[^}]*\}?/g)].map((match) => `${match[0]} is no token`),
  },
  {
    name: "has only states that these rules understand",
    check: (machine) => [
      ...states(machine)
        .filter(([, { Type }]) => !["Task", "Choice", "Pass", "Wait", "Succeed", "Fail"].includes(Type))
        .map(([name, { Type }]) => `${name} is a ${Type}: teach flow.ts its ways first`),
      ...states(machine)
        .filter(
          ([, state]) => state.Type === "Succeed" && Object.keys(state).some((field) => !["Type", "Comment", "Output"].includes(field)),
        )
        .map(([name]) => `${name} does more than end`),
    ],
  },
  {
    name: "names states by what they do, and Choices as questions",
    check: (machine) =>
      states(machine).flatMap(([name, { Type }]) => {
        const words: readonly string[] = name.match(/[A-Z][a-z]+/g) ?? [];
        const problems: string[] = [];
        if (words.join("") !== name) problems.push(`${name} is not PascalCase`);
        for (const word of words) if (FORBIDDEN_WORDS.has(word)) problems.push(`${name} contains its type`);
        if ((Type === "Choice") !== QUESTION.test(name)) problems.push(`${name} ${Type === "Choice" ? "is no question" : "is a question"}`);
        return problems;
      }),
  },
  {
    name: "gives every Task a timeout and the canonical Retry",
    check: (machine) =>
      tasks(machine).flatMap(([name, state]) => {
        return [
          ...(Number.isInteger(state.TimeoutSeconds) || isReviewWait(state) ? [] : [`${name} has no TimeoutSeconds`]),
          ...(JSON.stringify(state.Retry) === JSON.stringify(canonicalRetry(machine, state))
            ? []
            : [`${name} has another Retry than the canonical one`]),
        ];
      }),
  },
  {
    name: "limits each wait for a task token",
    check: (machine) =>
      tasks(machine)
        .filter(([, state]) => isTokenWait(state))
        .flatMap(([name, state]) => [
          ...(isReviewWait(state)
            ? [
                ...(codeOf(String(state.TimeoutSeconds)) === undefined ? [`${name}: TimeoutSeconds is no expression`] : []),
                // Without an answer the flow goes on: it reads the record.
                ...((state.Catch ?? []).some(({ ErrorEquals }) => ErrorEquals.join() === "States.Timeout")
                  ? []
                  : [`${name} does not catch States.Timeout`]),
              ]
            : Number.isInteger(state.HeartbeatSeconds) && (state.HeartbeatSeconds ?? 0) < Number(state.TimeoutSeconds ?? 0)
              ? []
              : [`${name}: HeartbeatSeconds has to be there and below TimeoutSeconds`]),
          ...(JSON.stringify(state.Arguments ?? "").includes("$states.context.Task.Token") ? [] : [`${name} sends no token`]),
        ]),
  },
  {
    name: "waits longer for a child than the child may take, and links it to its parent",
    check: (machine, others) =>
      tasks(machine)
        .filter(([, state]) => isChildWait(state))
        .flatMap(([name, state]) => {
          const token = /^\$\{([A-Za-z]+)MachineArn\}$/.exec(String(state.Arguments?.["StateMachineArn"]))?.[1] ?? "";
          const child = others.find((other) => other.name.replaceAll("-", "") === token.toLowerCase());
          if (child === undefined) return [`${name} starts no machine of ours`];
          return [
            ...(Number(state.TimeoutSeconds ?? 0) > (child.definition.TimeoutSeconds ?? Infinity)
              ? []
              : [`${name} gives up before its child`]),
            // RecordFailure recognises by it that a parent will fail as well.
            ...(JSON.stringify(state.Arguments?.["Input"]).includes("AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID")
              ? []
              : [`${name} does not pass on its execution`]),
          ];
        }),
  },
  {
    name: "names each child by execution and redrive, so that a lost answer starts no duplicate",
    check: (machine) =>
      tasks(machine)
        .filter(([, state]) => isChildWait(state))
        .flatMap(([name, state]) => {
          const { variables, states: read } = factsOf(codeOf(String(state.Arguments?.["Name"])) ?? "''");
          const reads = (path: string): boolean => read.some((names) => names.join(".") === path);
          const isOwn = reads("context.Execution.Name") || (variables.has("applicationId") && variables.has("submissionId"));
          return [
            ...(isOwn ? [] : [`${name} names its child by nothing that is unique to this execution`]),
            ...(reads("context.Execution.RedriveCount") ? [] : [`${name} gives its child the same name after a redrive`]),
          ];
        }),
  },
  {
    name: "has time for all attempts of all its Tasks",
    check: (machine) => {
      // A person waits for an Express execution: it ends within minutes, even if Tasks have attempts left.
      if (isExpress(machine)) return [];
      const needed = tasks(machine).reduce((sum, [, state]) => sum + longest(state), 0);
      const given = machine.definition.TimeoutSeconds ?? 0;
      return given > needed ? [] : [`TimeoutSeconds is ${given}, but the Tasks may take ${needed}`];
    },
  },
  {
    name: "explains every rule of a Choice and every Catch",
    check: (machine) =>
      states(machine).flatMap(([name, state]) => [
        ...(state.Choices ?? []).flatMap((rule, index) => (rule.Comment ? [] : [`${name}.Choices[${index}] has no Comment`])),
        ...(state.Catch ?? []).flatMap((catcher, index) => (catcher.Comment ? [] : [`${name}.Catch[${index}] has no Comment`])),
        ...(state.Type === "Choice" && state.Default === undefined ? [`${name} has no Default`] : []),
      ]),
  },
  {
    name: "compares with thresholds of thresholds.json only",
    check: ({ text }) => {
      // Otherwise the text after a token would become part of it.
      const definition = JSON.parse(text.replaceAll(TOKEN, "($$$1)")) as Definition;
      const decides = ({ state, path }: Site): boolean =>
        path.endsWith(".Condition") || (path === "Assign" && definition.States[state]?.Type === "Choice");
      return uses(definition)
        .filter(({ site }) => decides(site))
        .flatMap(({ site, path, facts }) =>
          [...facts.numbers.map((number) => `has ${number}`), ...facts.problems].map((problem) => `${site.state}.${path} ${problem}`),
        );
    },
  },
  {
    name: "catches errors by the names that the service has",
    check: (machine) =>
      tasks(machine).flatMap(([name, state]) =>
        (state.Catch ?? []).flatMap(({ ErrorEquals }) =>
          ErrorEquals.flatMap((error) => {
            const [prefix] = error.split(".");
            if (error === "States.ALL" && isExpress(machine)) return [];
            if (error === "States.Timeout" && isReviewWait(state)) return [];
            if (["States.ALL", "States.TaskFailed", "States.Timeout", "States.Runtime"].includes(error))
              return [`${name} catches ${error}`];
            if (prefix === "Bonafide") return WORKER_ERRORS.has(error) ? [] : [`${name} catches ${error}, which no worker returns`];
            const own = INTEGRATIONS[state.Resource ?? ""]?.errors;
            return prefix === own ? [] : [`${name} catches ${error}, but its service has the prefix ${own}.…`];
          }),
        ),
      ),
  },
  {
    name: "fails at its own Task: no Fail state behind a Catch",
    check: (machine) => {
      // A redrive could not resume there, and an alarm has to count the failure.
      if (isExpress(machine)) return [];
      const all = edges(machine.definition);
      const behind = new Set(all.filter(({ kind }) => kind === "catch").map(({ to }) => to));
      for (const name of behind) for (const { from, to } of all) if (from === name) behind.add(to);
      return [...behind].filter((name) => machine.definition.States[name]?.Type === "Fail").map((name) => `${name} is behind a Catch`);
    },
  },
  {
    name: "records its failures itself if it is an Express machine, and still fails",
    check: (machine) => {
      if (!isExpress(machine)) return [];
      const { definition } = machine;
      const targets = new Set(["RecordFailure", "NotifyFailure", "Failed"]);
      return [
        // The platform ends an Express execution after five minutes, regardless of the definition.
        ...((definition.TimeoutSeconds ?? Infinity) < 300 ? [] : ["the execution may take longer than Express executions can"]),
        ...(definition.States["Failed"]?.Type === "Fail" ? [] : ["there is no Fail state Failed"]),
        ...tasks(machine).flatMap(([name, state]) => {
          const last = state.Catch?.at(-1);
          return [
            ...(last !== undefined && last.ErrorEquals.join() === "States.ALL" && targets.has(last.Next)
              ? []
              : [`${name} does not end its Catches with one of States.ALL that leads to RecordFailure, NotifyFailure or Failed`]),
            ...(isTokenWait(state) || isChildWait(state) ? [`${name} waits, which Express executions cannot`] : []),
          ];
        }),
      ];
    },
  },
  {
    name: "calls services as AWS spells them",
    check: (machine) =>
      tasks(machine).flatMap(([name, state]) => {
        const integration = INTEGRATIONS[state.Resource ?? ""];
        if (integration === undefined) return [`${name} calls ${state.Resource}, which is not in services.ts`];
        return misspelled(integration.arguments, state.Arguments, `${name}.Arguments`);
      }),
  },
  {
    name: "uses every name and value of its DynamoDB expressions",
    check: (machine) =>
      tasks(machine)
        .filter(([, { Resource }]) => Resource?.includes("dynamodb:"))
        .flatMap(([name, { Arguments = {} }]) => {
          const text = ["UpdateExpression", "KeyConditionExpression", "FilterExpression", "ConditionExpression", "ProjectionExpression"]
            .map((field) => Arguments[field] ?? "")
            .join(" ");
          return (["ExpressionAttributeNames", "ExpressionAttributeValues"] as const).flatMap((field, index) => {
            const used = new Set(text.match([/#\w+/g, /:\w+/g][index] as RegExp) ?? []);
            const given = new Set(Object.keys((Arguments[field] as object | undefined) ?? {}));
            return [
              ...[...used].filter((token) => !given.has(token)).map((token) => `${name} uses ${token} without giving it`),
              ...[...given].filter((token) => !used.has(token)).map((token) => `${name} gives ${token} without using it`),
            ];
          });
        }),
  },
  {
    name: "writes to a submission only when there is one",
    check: (machine) =>
      tasks(machine)
        .filter(([, { Resource, Arguments = {} }]) => Arguments["TableName"] === "${SubmissionsTableName}" && !Resource?.endsWith(":query"))
        // A record that does not exist has no status either.
        .filter(
          ([, { Arguments = {} }]) =>
            !/^(attribute_exists\(submissionId\)|#status IN \([^)]*\))$/.test(String(Arguments["ConditionExpression"])),
        )
        .map(([name]) => `${name} may make a submission that the starter has not accepted`),
  },
  {
    name: "has no leftovers of JSONPath",
    check: ({ definition }) => [
      ...[...leaves(definition, "")]
        .filter(([, text]) => typeof text === "string" && (/^\$\$?[.[]/.test(text) || /States\.[A-Z][A-Za-z]+\(/.test(text)))
        .map(([path, text]) => `${path} is ${String(text)}`),
      ...[...leaves(definition, "")].filter(([path]) => /\.\$(\.|\[|$)/.test(path)).map(([path]) => `${path} is a JSONPath field`),
      ...Object.entries(definition.States).flatMap(([name, state]) =>
        ["InputPath", "OutputPath", "ResultPath", "Parameters", "ResultSelector", "ItemsPath", "Variable"]
          .filter((field) => field in state)
          .map((field) => `${name} has ${field}`),
      ),
    ],
  },
  {
    name: "has valid expressions that fill the whole value",
    check: ({ definition }) => [
      ...uses(definition).flatMap(({ site, path, facts }) => facts.problems.map((problem) => `${site.state}.${path} ${problem}`)),
      ...[...leaves(definition, "")]
        .filter(([, text]) => typeof text === "string" && /\{%|%\}/.test(text) && codeOf(text) === undefined)
        .map(([path]) => `${path} is only partly an expression, so it is none`),
      ...Object.entries(definition.States).flatMap(([name, state]) =>
        (state.Choices ?? []).flatMap(({ Condition }, index) =>
          codeOf(Condition) === undefined ? [`${name}.Choices[${index}].Condition is no expression`] : [],
        ),
      ),
    ],
  },
  {
    name: "reads only variables that were assigned on every path to the place",
    check: ({ definition }) => {
      const { variables } = flow(definition);
      return uses(definition).flatMap(({ site, path, facts }) =>
        [...facts.variables]
          .filter((variable) => variables.get(site.state)?.has(variable) !== true)
          .map((variable) => `${site.state}.${path} reads $${variable}, which may not be assigned`),
      );
    },
  },
  {
    name: "assigns only variables that are read",
    check: (machine) => {
      const read = new Set(uses(machine.definition).flatMap(({ facts }) => [...facts.variables]));
      return assignments(machine).flatMap(([place, values]) =>
        Object.keys(values)
          .filter((variable) => !read.has(variable))
          .map((variable) => `${place} assigns $${variable}`),
      );
    },
  },
  {
    name: "gives no variable the name of a function",
    check: (machine) =>
      assignments(machine).flatMap(([place, values]) =>
        Object.keys(values)
          .filter((variable) => FUNCTIONS.has(variable))
          .map((variable) => `${place} assigns $${variable}, which is a function`),
      ),
  },
  {
    name: "reads of $states only what is available at the place",
    check: ({ definition }) => {
      return uses(definition).flatMap(({ site, path, code, facts }) =>
        facts.states.flatMap(([field, ...rest]): string[] => {
          const place = `${site.state}.${path}`;
          if (field === undefined) return [`${place} takes $states as a whole`];
          if (!(site.offers as string[]).includes(field)) return [`${place} reads $states.${field}, which is not there`];
          if (field === "context") {
            const name = rest.join(".");
            if (!CONTEXT.some((known) => known.test(name))) return [`${place} reads $states.context.${name}, which is not there`];
            const waits = isTokenWait(definition.States[site.state] as State) && site.path === "Arguments";
            if (name === "Task.Token" && !waits) return [`${place} has no token`];
            // RedriveCount exists since AWS introduced redrive, and not in every emulator.
            if (name.startsWith("Execution.Redrive") && !code.includes(`$exists($states.context.${name})`))
              return [`${place} does not ask whether there is a ${name}`];
          }
          return [];
        }),
      );
    },
  },
  {
    name: "reads its input in its first state only, and variables from there on",
    check: ({ definition }) =>
      uses(definition)
        .filter(({ site }) => site.state !== definition.StartAt)
        .flatMap(({ site, path, facts }) =>
          facts.states
            .filter(([field, ...rest]) => field === "input" || rest.join(".").startsWith("Execution.Input"))
            .map((names) => `${site.state}.${path} reads $states.${names.join(".")}`),
        ),
  },
  {
    name: "ends with a constructed result, not with a service's raw answer",
    check: ({ definition }) => {
      const { inputs } = flow(definition);
      return Object.entries(definition.States).flatMap(([name, { Type, End, Output }]) => {
        if (Output !== undefined || (Type !== "Succeed" && End !== true)) return [];
        if (Type === "Task") return [`${name} returns the raw result of its service`];
        return (["result", "error"] as const)
          .filter((raw) => inputs.get(name)?.has(raw))
          .map((raw) => `${name} returns the raw ${raw} of the state before`);
      });
    },
  },
  {
    name: "never returns to a state, except to process a list or to ask a reviewer",
    check: (machine) => {
      const all = edges(machine.definition).filter((edge) => !processesList(machine, edge) && !asksReviewer(machine, edge));
      const reach = (start: string): Set<string> => {
        const seen = new Set<string>();
        const open = [start];
        for (let name = open.pop(); name !== undefined; name = open.pop()) {
          for (const { from, to } of all) {
            if (from !== name || seen.has(to)) continue;
            seen.add(to);
            open.push(to);
          }
        }
        return seen;
      };
      return states(machine).flatMap(([name]) => (reach(name).has(name) ? [`${name} is on a cycle`] : []));
    },
  },
  {
    name: "keeps personal data out of the state",
    check: (machine) => [
      ...assignments(machine).flatMap(([place, values]) =>
        Object.keys(values)
          .filter((variable) => PERSONAL.test(variable))
          .map((variable) => `${place} assigns $${variable}`),
      ),
      ...tasks(machine).flatMap(([name, { Resource, Arguments = {} }]) => {
        const problems: string[] = [];
        if (String(Arguments["ReturnValues"] ?? "").startsWith("ALL_")) problems.push(`${name} has the whole row returned`);
        if (/dynamodb:(getItem|query)$/.test(Resource ?? "")) {
          const names = (Arguments["ExpressionAttributeNames"] ?? {}) as Record<string, string>;
          for (const attribute of String(Arguments["ProjectionExpression"] ?? "*").split(",")) {
            const root = attribute.trim().split(".")[0] as string;
            const read = names[root] ?? root;
            if (!PROJECTABLE.has(read) && !(isExpress(machine) && PROJECTABLE_BY_EXPRESS.has(read)))
              problems.push(`${name} reads ${read} into the state`);
          }
        }
        if (Resource?.endsWith("sns:publish")) {
          const code = codeOf(String(Arguments["Message"]));
          if (code === undefined) problems.push(`${name} publishes no expression`);
          else for (const key of factsOf(code).keys) if (!MESSAGE_KEYS.has(key)) problems.push(`${name} publishes ${key}`);
        }
        return problems;
      }),
    ],
  },
  {
    // The state of Standard executions has no personal data. The caller and its logs get what an Express execution returns.
    name: "returns no personal data of an Express execution",
    check: (machine) => {
      if (!isExpress(machine)) return [];
      const { definition } = machine;
      const outputs = sites(definition).filter(({ path }) => path.endsWith("Output"));
      const ends = new Set(states(machine).flatMap(([name, { Type }]) => (Type === "Succeed" ? [name] : [])));
      return [
        ...outputs.flatMap(({ state, path, value }) => {
          const code = typeof value === "string" ? codeOf(value) : undefined;
          const keys = code === undefined ? Object.keys(value as object) : [...factsOf(code).keys];
          return keys.filter((key) => !RESULT_KEYS.has(key)).map((key) => `${state}.${path} gives ${key}`);
        }),
        ...edges(definition)
          .filter(({ to, carries }) => ends.has(to) && carries !== "output")
          .map(({ from, to }) => `${from} hands its ${to} something else than an Output of its own`),
        ...states(machine)
          .filter(([, { Type }]) => Type === "Fail")
          .flatMap(([name, state]) => ("Cause" in state ? [`${name} gives a Cause`] : [])),
      ];
    },
  },
  {
    name: "does not depend on HTTP metadata, which emulators and retries do not have",
    check: ({ text }) => (/Sdk(Http|Response)Metadata/.test(text) ? ["uses SdkHttpMetadata"] : []),
  },
  {
    name: "gives only reasons that the domain knows",
    check: (machine) => {
      const known = reasons();
      return [...literals(machine), ...defects(machine)]
        .filter(([, text]) => CODE.test(text) && !CONSTANTS.has(text) && !known.has(text))
        .map(([place, text]) => `${place} says ${text}`);
    },
  },
  {
    name: "gives every outcome reasons of its class, always as a list",
    check: (machine) => {
      const known = reasons();
      return assignments(machine).flatMap(([place, values]) => {
        const problems: string[] = [];
        const conclusion = values["conclusion"];
        const defects = Object.keys(values["defects"] ?? {});
        for (const { outcome, reasons: list = defects.length > 0 ? defects : undefined } of [
          values,
          ...(conclusion !== null && typeof conclusion === "object" ? [conclusion as typeof values] : []),
        ]) {
          const code = typeof list === "string" ? codeOf(list) : undefined;
          if (code !== undefined && !factsOf(code).isArray) problems.push(`${place}: one reason would no longer be a list; write [ … ]`);
          if (!Array.isArray(list)) continue;
          if (outcome === "pass" && list.length > 0) problems.push(`${place} passes with reasons`);
          if (outcome !== "pass" && outcome !== undefined && list.length === 0) problems.push(`${place} refuses without a reason`);
          const wanted = CLASS_OF_OUTCOME[String(outcome)];
          for (const reason of list) {
            if (wanted !== undefined && known.has(reason) && known.get(reason) !== wanted) {
              problems.push(`${place}: ${reason} is ${known.get(reason)}, the outcome ${String(outcome)}`);
            }
          }
        }
        return problems;
      });
    },
  },
];
