import { ArnFormat, Aws, Stack } from "aws-cdk-lib";
import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EXPRESS_MACHINES, type MachineContracts, type MachineName, pascal } from "../names";
import { STATE_MACHINES } from "../paths";
import { requireComplete } from "../placeholders";
import { tokensOf } from "../thresholds";
import { DocumentRole } from "./document-role";
import type { Common } from "./encryption";
import { LogGroup } from "./log-group";
import { removalPolicy } from "./removal-policy";

export interface MachineProps<Name extends MachineName> extends Common {
  readonly name: Name;
  /** For the tokens of `statemachines/<name>.asl.json`, but for the thresholds. */
  readonly definition: Readonly<Record<MachineContracts[Name]["definition"], string>>;
  readonly policy: Readonly<Record<MachineContracts[Name]["policy"], string>>;
}

/** A state machine: its definition, its log group, and its role with `policies/machines/<name>.json`. */
export class Machine<Name extends MachineName> extends Construct {
  readonly name: Name;
  readonly machine: sfn.StateMachine;
  /** All executions of this machine. */
  readonly executionsArn: string;

  constructor(scope: Construct, props: MachineProps<Name>) {
    super(scope, pascal(props.name));
    this.name = props.name;
    const stack = Stack.of(this);
    const machineName = `bonafide-${props.config.stage}-${props.name}`;
    const file = join(STATE_MACHINES, `${props.name}.asl.json`);
    const definition = readFileSync(file, "utf8");
    const substitutions = { ...props.definition, ...tokensOf(definition, props.config.thresholds) };
    requireComplete(file, definition, substitutions);

    const arn = (resource: string, resourceName: string): string =>
      stack.formatArn({ service: "states", resource, resourceName, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
    const { role } = new DocumentRole(this, "Role", {
      description: `Machine ${props.name}`,
      trust: { service: "states", values: { MachinesArn: arn("stateMachine", "*"), AccountId: Aws.ACCOUNT_ID } },
      policy: { file: `machines/${props.name}.json`, values: props.policy },
    });
    // The prefix spares the account's one log resource policy, whose length is limited, an entry per group.
    const logGroup = new LogGroup(this, "Logs", props, `/aws/vendedlogs/states/${machineName}`);
    this.machine = new sfn.StateMachine(this, "Machine", {
      ...props.encryption.machine(),
      stateMachineName: machineName,
      stateMachineType: (EXPRESS_MACHINES as readonly MachineName[]).includes(props.name)
        ? sfn.StateMachineType.EXPRESS
        : sfn.StateMachineType.STANDARD,
      // As a string it stays in the template, where reviewers and linters see it.
      definitionBody: sfn.DefinitionBody.fromString(definition),
      definitionSubstitutions: substitutions,
      // Execution data would put scores and pointers of every applicant into the logs.
      logs: { destination: logGroup, level: sfn.LogLevel.ALL, includeExecutionData: false },
      tracingEnabled: true,
      removalPolicy: removalPolicy(props.config),
      role,
    });
    this.executionsArn = arn("execution", `${machineName}:*`);
  }
}
