import { ArnFormat, Stack } from "aws-cdk-lib";
import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EXPRESS_MACHINES, pascal } from "../names";
import { STATE_MACHINES } from "../paths";
import { DocumentRole } from "./document-role";
import type { Common } from "./encryption";
import { LogGroup } from "./log-group";
import { removalPolicy } from "./removal-policy";

/** A state machine: `statemachines/<name>.asl.json`, its log group, and its role with `policies/machines/<name>.json`. */
export class Machine extends Construct {
  readonly machine: sfn.StateMachine;

  constructor(scope: Construct, name: string, common: Common) {
    super(scope, pascal(name));
    const { config, encryption, values } = common;
    const machineName = `bonafide-${config.stage}-${name}`;
    const file = join(STATE_MACHINES, `${name}.asl.json`);
    const definition = readFileSync(file, "utf8");
    const { role } = new DocumentRole(this, "Role", {
      description: `Machine ${name}`,
      trust: "states",
      policy: `machines/${name}.json`,
      values,
    });
    // With this prefix, the account's resource policy for logs, whose length is limited, needs no entry for each group.
    const logGroup = new LogGroup(this, "Logs", common, `/aws/vendedlogs/states/${machineName}`);
    this.machine = new sfn.StateMachine(this, "Machine", {
      ...encryption.machine(),
      stateMachineName: machineName,
      stateMachineType: EXPRESS_MACHINES.includes(name) ? sfn.StateMachineType.EXPRESS : sfn.StateMachineType.STANDARD,
      // As a string it is part of the template, where reviewers and linters see it.
      definitionBody: sfn.DefinitionBody.fromString(definition),
      definitionSubstitutions: values.for(file, definition),
      // Execution data would write scores and pointers of every applicant to the logs.
      logs: { destination: logGroup, level: sfn.LogLevel.ALL, includeExecutionData: false },
      tracingEnabled: true,
      removalPolicy: removalPolicy(config),
      role,
    });
    values.offer({
      [`${pascal(name)}MachineArn`]: this.machine.stateMachineArn,
      [`${pascal(name)}ExecutionsArn`]: Stack.of(this).formatArn({
        service: "states",
        resource: "execution",
        resourceName: `${machineName}:*`,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      }),
    });
  }
}
