import { describe, expect, it } from "vitest";
import { responseHeaders, readSiteHeaders } from "../lib/constructs/site-headers";
import { type Deployment, deployment, onDisk, readable, resource, resources, SITE, type Stack, synthesize } from "./support";

const deployed: Deployment = synthesize(SITE);
const site = deployed.site as Stack;
const of = (type: string, path: string): any => readable(deployed, site, resource(site, type, path).Properties);
const distribution = of("AWS::CloudFront::Distribution", "Distribution").DistributionConfig;
const headers = of("AWS::CloudFront::ResponseHeadersPolicy", "Headers").ResponseHeadersPolicyConfig;
const BUCKET = "bonafide-dev-<AccountId>-<Region>-page";

describe("the page is served", () => {
  it("only if the setting is set", () => {
    expect(deployment().site).toBeUndefined();
    expect(site.name).toBe("Bonafide-dev-Site");
  });

  it("under its name and certificate, with TLS 1.2 or later only", () => {
    expect(distribution).toMatchObject({
      Aliases: [SITE.faceApiSite],
      ViewerCertificate: {
        AcmCertificateArn: SITE.faceApiSiteCertificateArn,
        MinimumProtocolVersion: "TLSv1.2_2021",
        SslSupportMethod: "sni-only",
      },
      DefaultCacheBehavior: { ViewerProtocolPolicy: "redirect-to-https", AllowedMethods: ["GET", "HEAD"] },
      DefaultRootObject: "index.html",
    });
    expect(distribution.CacheBehaviors).toBeUndefined();
  });

  it("from a bucket that only this distribution can read", () => {
    expect(distribution.Origins).toEqual([
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
    const { site: long } = synthesize({ ...SITE, stage: "x".repeat(16) });
    const names = [...resources(long as Stack, "AWS::S3::Bucket").values()].map(({ Properties }) =>
      readable(deployed, long as Stack, Properties.BucketName)
        .replace("<AccountId>", "1".repeat(12))
        .replace("<Region>", "ap-northeast-1"),
    );
    for (const name of names) expect(name.length, name).toBeLessThanOrEqual(63);
    expect(names).toHaveLength(2);
  });
});

describe("its headers", () => {
  it("are exactly those of web/headers.json", () => {
    const { contentSecurityPolicy, headers: file } = readSiteHeaders();
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

  it("let the page connect to the API and the bucket only", () => {
    const policy: string = headers.SecurityHeadersConfig.ContentSecurityPolicy.ContentSecurityPolicy;
    expect(policy.split("; ").find((directive) => directive.startsWith("connect-src"))).toBe(
      "connect-src 'self' https://<Api/Resource>.execute-api.<Region>.<URLSuffix> https://bonafide-dev-<AccountId>-<Region>.s3.<Region>.<URLSuffix>",
    );
  });

  it("are refused if CloudFront would send another value", () => {
    const changed = { contentSecurityPolicy: {}, headers: { "Strict-Transport-Security": "max-age=1; includeSubDomains" } };
    expect(() => responseHeaders(changed, [])).toThrow('CloudFront cannot send "Strict-Transport-Security: max-age=1; includeSubDomains".');
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
