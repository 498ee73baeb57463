import { describe, expect, it } from "vitest";
import { responseHeaders, readSiteHeaders } from "../lib/constructs/site-headers";
import {
  CONVERSATION_SITE,
  type Deployment,
  deployment,
  onDisk,
  readable,
  resource,
  resources,
  REVIEW_SITE,
  SITE,
  type Stack,
  synthesize,
} from "./support";

const ALL = { ...SITE, ...REVIEW_SITE, ...CONVERSATION_SITE };
const deployed: Deployment = synthesize(ALL);
const API = "https://<Api/Resource>.execute-api.<Region>.<URLSuffix>";
const EVIDENCE = "https://bonafide-dev-<AccountId>-<Region>.s3.<Region>.<URLSuffix>";
const PAGES = [
  {
    page: "faces",
    key: "site",
    stack: "Bonafide-dev-Site",
    host: SITE.faceApiSite,
    certificate: SITE.faceApiSiteCertificateArn,
    bucket: "bonafide-dev-<AccountId>-<Region>-page",
    origins: { "connect-src": `'self' ${API} ${EVIDENCE}`, "img-src": "'self' blob:" },
  },
  {
    page: "desk",
    key: "reviewSite",
    stack: "Bonafide-dev-ReviewSite",
    host: REVIEW_SITE.reviewSite,
    certificate: REVIEW_SITE.reviewSiteCertificateArn,
    bucket: "bonafide-dev-<AccountId>-<Region>-desk",
    origins: {
      "connect-src": `'self' ${API} https://bonafide-dev-<AccountId>.auth.<Region>.amazoncognito.com`,
      "img-src": `'self' data: ${EVIDENCE}`,
    },
  },
  {
    page: "conversation",
    key: "conversationSite",
    stack: "Bonafide-dev-ConversationSite",
    host: CONVERSATION_SITE.conversationSite,
    certificate: CONVERSATION_SITE.conversationSiteCertificateArn,
    bucket: "bonafide-dev-<AccountId>-<Region>-join",
    origins: {
      "connect-src": `'self' ${EVIDENCE} https://login.bank.example https://people.auth.bank.example`,
      "img-src": "'self' blob:",
    },
  },
] as const;

describe.each(PAGES)("the page $page is served", ({ key, stack, host, certificate, bucket: BUCKET }) => {
  const site = deployed[key] as Stack;
  const of = (type: string, path: string): any => readable(deployed, site, resource(site, type, path).Properties);
  const distribution = of("AWS::CloudFront::Distribution", "Distribution").DistributionConfig;

  it("only if the setting is set", () => {
    expect(deployment()[key]).toBeUndefined();
    expect(site.name).toBe(stack);
  });

  it("under its name and certificate, with TLS 1.2 or later only", () => {
    expect(distribution).toMatchObject({
      Aliases: [host],
      ViewerCertificate: {
        AcmCertificateArn: certificate,
        MinimumProtocolVersion: "TLSv1.2_2021",
        SslSupportMethod: "sni-only",
      },
      DefaultCacheBehavior: { ViewerProtocolPolicy: "redirect-to-https", AllowedMethods: ["GET", "HEAD"] },
      DefaultRootObject: "index.html",
    });
    if (key !== "conversationSite") expect(distribution.CacheBehaviors).toBeUndefined();
  });

  it("from a bucket that only this distribution can read", () => {
    expect(distribution.Origins.filter(({ CustomOriginConfig }: any) => CustomOriginConfig === undefined)).toEqual([
      {
        Id: "files",
        DomainName: "<Files/Resource.RegionalDomainName>",
        OriginAccessControlId: "<Access.Id>",
        S3OriginConfig: { OriginAccessIdentity: "" },
      },
    ]);
    expect(of("AWS::CloudFront::OriginAccessControl", "Access").OriginAccessControlConfig).toMatchObject({
      OriginAccessControlOriginType: "s3",
      SigningBehavior: "always",
      SigningProtocol: "sigv4",
    });
    const values: Record<string, string> = {
      SiteBucketArn: "<Files/Resource.Arn>",
      DistributionArn: "arn:<Partition>:cloudfront::<AccountId>:distribution/<Distribution.Id>",
    };
    const file = onDisk.policy("resources/site-bucket").replaceAll(/\$\{(\w+)\}/g, (token, name: string) => values[name] ?? token);
    expect(of("AWS::S3::BucketPolicy", "Files/Policy").PolicyDocument).toEqual(JSON.parse(file));
    for (const { Properties } of resources(site, "AWS::S3::Bucket").values()) {
      expect(Properties.PublicAccessBlockConfiguration).toEqual({
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      });
    }
    expect(of("AWS::S3::Bucket", "Files/Resource").BucketName).toBe(BUCKET);
  });

  it("without any function or role", () => {
    const types = new Set(Object.values(site.template.Resources).map(({ Type }) => Type));
    expect([...types].filter((type) => !/^AWS::(S3|CloudFront)::/.test(type))).toEqual([]);
  });

  it("and access is logged as long as in other logs", () => {
    expect(distribution.Logging).toEqual({
      Bucket: "<Logs/Resource.RegionalDomainName>",
      IncludeCookies: false,
      Prefix: "distribution/",
    });
    const files = resource(site, "AWS::S3::Bucket", "Files/Resource");
    expect(readable(deployed, site, files.Properties.LoggingConfiguration)).toEqual({
      DestinationBucketName: "<Logs/Resource>",
      LogFilePrefix: "bucket/",
    });
    expect(files.DependsOn?.map((id) => site.paths.get(id))).toEqual(["Logs/Policy"]);
    const logs = of("AWS::S3::Bucket", "Logs/Resource");
    // Without ACLs CloudFront refuses the bucket.
    expect(logs.OwnershipControls).toEqual({ Rules: [{ ObjectOwnership: "BucketOwnerPreferred" }] });
    expect(logs.LifecycleConfiguration.Rules).toEqual([
      expect.objectContaining({ Status: "Enabled", ExpirationInDays: 90, NoncurrentVersionExpiration: { NoncurrentDays: 30 } }),
    ]);
    const { Statement } = of("AWS::S3::BucketPolicy", "Logs/Policy").PolicyDocument;
    expect(Statement[1]).toMatchObject({
      Resource: ["<Logs/Resource.Arn>/bucket/*"],
      Condition: { ArnEquals: { "aws:SourceArn": `arn:<Partition>:s3:::${BUCKET}` } },
    });
  });

  it("from buckets with valid names for every stage and region", () => {
    const { [key]: long } = synthesize({ ...ALL, stage: "x".repeat(16) });
    const names = [...resources(long as Stack, "AWS::S3::Bucket").values()].map(({ Properties }) =>
      readable(deployed, long as Stack, Properties.BucketName)
        .replace("<AccountId>", "1".repeat(12))
        .replace("<Region>", "ap-northeast-1"),
    );
    for (const name of names) expect(name.length, name).toBeLessThanOrEqual(63);
    expect(names).toHaveLength(2);
  });
});

describe.each(PAGES)("the headers of the page $page", ({ page, key, origins }) => {
  const site = deployed[key] as Stack;
  const policy = resource(site, "AWS::CloudFront::ResponseHeadersPolicy", "Headers").Properties;
  const headers = readable(deployed, site, policy).ResponseHeadersPolicyConfig;

  it("are exactly those of web/headers.json", () => {
    const { contentSecurityPolicy, headers: file } = readSiteHeaders(page);
    const sent = new Map<string, string>(headers.CustomHeadersConfig.Items.map(({ Header, Value }: any) => [Header, Value]));
    const { ContentSecurityPolicy, ...own } = headers.SecurityHeadersConfig;
    sent.set("Referrer-Policy", own.ReferrerPolicy.ReferrerPolicy);
    sent.set("Strict-Transport-Security", `max-age=${own.StrictTransportSecurity.AccessControlMaxAgeSec}`);
    sent.set("X-Content-Type-Options", own.ContentTypeOptions.Override ? "nosniff" : "");
    sent.set("X-Frame-Options", own.FrameOptions.FrameOption);
    expect(Object.fromEntries([...sent].sort())).toEqual(file);
    expect(Object.keys(own)).toHaveLength(4);
    for (const [directive, value] of Object.entries(contentSecurityPolicy)) {
      expect(ContentSecurityPolicy.ContentSecurityPolicy).toContain(`${directive} ${value}`);
    }
  });

  it("let the page reach the origins that it needs, and no others", () => {
    const sent: string = headers.SecurityHeadersConfig.ContentSecurityPolicy.ContentSecurityPolicy;
    const directives = new Map(sent.split("; ").map((directive) => directive.split(/ (.*)/s) as [string, string]));
    for (const [directive, value] of Object.entries(origins)) expect(directives.get(directive)).toBe(value);
    expect([...directives.values()].join(" ").match(/https?:\S+/g)).toHaveLength(page === "faces" ? 2 : 3);
    expect(sent).not.toContain("unsafe");
  });
});

describe("the page of conversations", () => {
  const site = deployed.conversationSite as Stack;
  const distribution = resource(site, "AWS::CloudFront::Distribution", "Distribution").Properties.DistributionConfig;

  it("reaches both gateways at its own origin", () => {
    const { Origins, CacheBehaviors } = distribution;
    const services = Origins.filter(({ CustomOriginConfig }: any) => CustomOriginConfig !== undefined);
    expect(services.map(({ Id }: any) => Id)).toEqual(["/mcp", "/harness/*"]);
    for (const { DomainName, CustomOriginConfig } of services) {
      // The host of the gateway's address.
      expect(DomainName["Fn::Select"]).toEqual([2, { "Fn::Split": ["/", expect.anything()] }]);
      expect(CustomOriginConfig).toMatchObject({ OriginProtocolPolicy: "https-only" });
    }
    expect(CacheBehaviors.map(({ PathPattern, TargetOriginId }: any) => [PathPattern, TargetOriginId])).toEqual([
      ["/mcp", "/mcp"],
      ["/harness/*", "/harness/*"],
    ]);
    // CloudFront's own policies: no answer is kept, and all but the host is passed on, among it the token.
    for (const behavior of CacheBehaviors)
      expect(behavior).toMatchObject({
        CachePolicyId: "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
        OriginRequestPolicyId: "b689b0a8-53d0-40ab-baf2-68738e2966ac",
        ViewerProtocolPolicy: "https-only",
      });
  });

  it("has an origin from which pictures may be sent", () => {
    const evidence = resource(deployed.data, "AWS::S3::Bucket", "Evidence/Resource").Properties;
    expect(evidence.CorsConfiguration.CorsRules[0].AllowedOrigins).toContain(`https://${CONVERSATION_SITE.conversationSite}`);
  });
});

describe("headers", () => {
  it("are refused if CloudFront would send another value", () => {
    const changed = { contentSecurityPolicy: {}, headers: { "Strict-Transport-Security": "max-age=1; includeSubDomains" } };
    expect(() => responseHeaders(changed, {})).toThrow('CloudFront cannot send "Strict-Transport-Security: max-age=1; includeSubDomains".');
  });
});

describe("browsers may send pictures to the bucket", () => {
  const rules = (context: Record<string, string>): unknown =>
    resource(synthesize(context).data, "AWS::S3::Bucket", "Evidence/Resource").Properties.CorsConfiguration?.CorsRules;
  const rule = (...origins: string[]): unknown => [
    { AllowedOrigins: origins, AllowedMethods: ["PUT"], AllowedHeaders: ["content-type"], MaxAge: 600 },
  ];

  it("from the page's origin, which the API allows too", () => {
    const origin = `https://${SITE.faceApiSite}`;
    expect(rules(SITE)).toEqual(rule(origin));
    expect(JSON.stringify(deployed.faceApi.template)).toContain(`"gatewayresponse.header.Access-Control-Allow-Origin":"'${origin}'"`);
    expect(
      resource(deployed.faceApi, "AWS::Lambda::Function", "RegisterFace/Function/Resource").Properties.Environment.Variables,
    ).toMatchObject({ ALLOWED_ORIGINS: origin });
  });

  it("from the origins of other pages, each once", () => {
    expect(rules({})).toBeUndefined();
    expect(rules({ faceApiOrigin: "https://a.example" })).toEqual(rule("https://a.example"));
    expect(rules({ conversationOrigin: "https://b.example" })).toEqual(rule("https://b.example"));
    expect(rules({ faceApiOrigin: "https://a.example", conversationOrigin: "https://b.example" })).toEqual(
      rule("https://a.example", "https://b.example"),
    );
    expect(rules({ faceApiOrigin: "https://a.example", conversationOrigin: "https://a.example" })).toEqual(rule("https://a.example"));
  });
});
