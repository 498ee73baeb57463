import { type App, CfnResource, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks, type NagPack, NIST80053R5Checks, PCIDSS321Checks, ServerlessChecks } from "cdk-nag";
import { describe, expect, it } from "vitest";
import { build, CONVERSATION_SITE, REVIEW_SITE, SITE } from "./support";

const PACKS: readonly (new (app: App) => NagPack)[] = [AwsSolutionsChecks, NIST80053R5Checks, PCIDSS321Checks, ServerlessChecks];

/** One line per finding: the rule and the construct. */
function findings(pack: NagPack, app: App): string[] {
  return pack
    .validateScope(app)
    .violations.flatMap(({ ruleName, violatingResources }) =>
      violatingResources.map((resource) => `${ruleName} at ${(resource as { constructPath?: string }).constructPath}`),
    );
}

/** The findings without any exception; cdk-nag has no option for this. */
function findingsOfAll(app: App): string[] {
  return PACKS.flatMap((Pack) => findings(Object.defineProperty(new Pack(app), "isAcknowledged", { value: () => false }), app));
}

interface Accepted {
  readonly construct: CfnResource;
  readonly id: string;
  readonly reason: string;
}

function accepted(app: App): Accepted[] {
  return app.node.findAll().flatMap((construct) =>
    construct.node.metadata
      .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
      .flatMap(({ data }) => Object.entries(data as Record<string, string>))
      .map(([id, reason]) => ({ construct: construct as CfnResource, id: id.replace(/^annotation::/i, ""), reason })),
  );
}

describe.each(["aws", "customer"])("with encryption=%s", (encryption) => {
  const { app } = build({
    encryption,
    notificationEmail: "kyc@bank.example",
    operationsEmail: "on-call@bank.example",
    agentModel: "anthropic.claude-3-haiku-20240307-v1:0",
    ...CONVERSATION_SITE,
    ...SITE,
    ...REVIEW_SITE,
  });
  app.synth();
  const exceptions = accepted(app);

  it.each(PACKS.map((Pack) => new Pack(app)))("$readPackName finds nothing that is not accepted", (pack) => {
    expect(findings(pack, app)).toEqual([]);
  });

  it("exceptions are on the resource itself, with a reason", () => {
    for (const { construct, id, reason } of exceptions) {
      expect(CfnResource.isCfnResource(construct), `${id} at ${construct.node.path}`).toBe(true);
      expect(reason, id).toMatch(/^.{40,}[.:)]$/s);
    }
  });

  it("each exception belongs to exactly one finding", () => {
    const found = findingsOfAll(app);
    expect(exceptions.length).toBeGreaterThan(0);
    expect(exceptions.map(({ construct, id }) => `${id} at ${construct.node.path}`).sort()).toEqual(found.sort());
  });
});
