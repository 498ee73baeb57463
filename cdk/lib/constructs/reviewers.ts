import { Aws, Duration } from "aws-cdk-lib";
import * as cognito from "aws-cdk-lib/aws-cognito";
import { Construct } from "constructs";
import type { Config } from "../config";
import { protectedRemovalPolicy } from "./removal-policy";

/** The resource server of the review API: the part of its scopes before the slash. */
const SERVER = "review";

/** Where `bonafide review sign-in` receives the answer of the sign-in page. Cognito accepts plain http for localhost only. */
const COMMAND_CALLBACK = "http://localhost:8976/";

/** The people who decide cases, and their sign-in. A person is one user of this pool, in every decision that is recorded. */
export class Reviewers extends Construct {
  readonly poolArn: string;
  readonly clientId: string;
  readonly poolId: string;
  /** The address of the sign-in pages. */
  readonly signIn: string;

  constructor(scope: Construct, id: string, config: Config) {
    super(scope, id);
    const pool = new cognito.UserPool(this, "Pool", {
      userPoolName: `bonafide-${config.stage}-reviewers`,
      // An operator creates each account, so that one person has one.
      selfSignUpEnabled: false,
      signInAliases: { username: true },
      signInCaseSensitive: false,
      // Access to a mailbox must not give access to a reviewer's account.
      accountRecovery: cognito.AccountRecovery.NONE,
      passwordPolicy: {
        minLength: 14,
        requireDigits: true,
        requireLowercase: true,
        requireSymbols: true,
        requireUppercase: true,
        tempPasswordValidity: Duration.days(1),
      },
      mfa: cognito.Mfa.REQUIRED,
      // No text messages: a telephone number can be taken over.
      mfaSecondFactor: { otp: true, sms: false },
      // Refuses passwords that are known to be stolen, and unusual sign-ins.
      featurePlan: cognito.FeaturePlan.PLUS,
      standardThreatProtectionMode: cognito.StandardThreatProtectionMode.FULL_FUNCTION,
      deletionProtection: config.deletionProtection,
      removalPolicy: protectedRemovalPolicy(config),
    });
    const read = new cognito.ResourceServerScope({ scopeName: "read", scopeDescription: "List and read cases" });
    const decide = new cognito.ResourceServerScope({ scopeName: "decide", scopeDescription: "Claim and decide cases" });
    const operate = new cognito.ResourceServerScope({
      scopeName: "operate",
      scopeDescription: "Reopen applications, appeal for them, and replay executions",
    });
    const server = pool.addResourceServer("Api", { identifier: SERVER, scopes: [read, decide, operate] });
    const pages = config.reviewOrigin === "" ? [] : [`${config.reviewOrigin}/`];
    const client = pool.addClient("Client", {
      userPoolClientName: `bonafide-${config.stage}-review`,
      // A page or a command cannot keep a secret: PKCE takes its place.
      generateSecret: false,
      oAuth: {
        flows: { authorizationCodeGrant: true },
        scopes: [
          cognito.OAuthScope.OPENID,
          cognito.OAuthScope.resourceServer(server, read),
          cognito.OAuthScope.resourceServer(server, decide),
          cognito.OAuthScope.resourceServer(server, operate),
        ],
        callbackUrls: [COMMAND_CALLBACK, ...pages],
        logoutUrls: pages,
      },
      supportedIdentityProviders: [cognito.UserPoolClientIdentityProvider.COGNITO],
      // A token that was stolen is soon useless; a new sign-in takes a moment while the sign-in page knows the person.
      accessTokenValidity: Duration.minutes(60),
      idTokenValidity: Duration.minutes(60),
      refreshTokenValidity: Duration.hours(8),
      preventUserExistenceErrors: true,
      enableTokenRevocation: true,
    });
    // Tokens only from the sign-in pages, where the second factor is asked for: CDK's default would also allow passwords over the API.
    (client.node.defaultChild as cognito.CfnUserPoolClient).explicitAuthFlows = ["ALLOW_REFRESH_TOKEN_AUTH"];
    // Part of a host name of the region, so the account makes it unique.
    const prefix = `bonafide-${config.stage}-${Aws.ACCOUNT_ID}`;
    pool.addDomain("Domain", { cognitoDomain: { domainPrefix: prefix } });
    this.poolArn = pool.userPoolArn;
    this.poolId = pool.userPoolId;
    this.clientId = client.userPoolClientId;
    this.signIn = `https://${prefix}.auth.${Aws.REGION}.amazoncognito.com`;
  }
}
