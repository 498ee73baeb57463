import { Aws, CfnOutput, Duration, Fn, RemovalPolicy, Stack, type StackProps } from "aws-cdk-lib";
import * as cloudfront from "aws-cdk-lib/aws-cloudfront";
import * as s3 from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import { join } from "node:path";
import type { Config } from "./config";
import { accept } from "./constructs/accepted-findings";
import { type PageName, readSiteHeaders, responseHeaders } from "./constructs/site-headers";
import type { DataStack } from "./data-stack";
import { POLICIES } from "./paths";
import { type Placeholders, readDocument } from "./placeholders";
import { originOf } from "./settings";

export interface SiteStackProps extends StackProps {
  readonly data: DataStack;
  readonly page: PageName;
  /** The last part of names. */
  readonly suffix: string;
  /** The page in words. */
  readonly title: string;
  /** Its host name. */
  readonly host: string;
  readonly certificateArn: string;
  /** Origins that its content security policy allows besides its own, by directive. */
  readonly origins: Readonly<Record<string, readonly string[]>>;
  /** Services at the page's own origin: their addresses, by the paths of requests that go there. */
  readonly services?: Readonly<Record<string, string>>;
}

/** The prefixes of the distribution's logs and of the bucket's access logs. */
const LOG_PREFIXES = { distribution: "distribution/", bucket: "bucket/" } as const;

/** How long a replaced or deleted file can be restored. */
const RESTORABLE_DAYS = 30;

/**
 * Serves a page, which `npm run publish-page` uploads to the bucket (docs/DEPLOY.md).
 *
 * It depends on the page's API, because its headers contain the API's address. The API gets the page's origin from a setting.
 */
export class SiteStack extends Stack {
  constructor(scope: Construct, id: string, props: SiteStackProps) {
    super(scope, id, { ...props, description: `Bonafide: ${props.title}` });
    const { data } = props;
    const { config } = data.common;
    const bucketName = `${data.bucketName}-${props.suffix}`;
    const logs = this.logs(config, bucketName);
    const bucket = this.files(bucketName, logs);
    // CloudFront is in no region: its names are taken in the whole account.
    const name = `bonafide-${config.stage}-${props.suffix}-${Aws.REGION}`;

    const access = new cloudfront.CfnOriginAccessControl(this, "Access", {
      originAccessControlConfig: {
        name,
        description: "Bonafide: CloudFront reads the page",
        originAccessControlOriginType: "s3",
        signingBehavior: "always",
        signingProtocol: "sigv4",
      },
    });
    const headers = new cloudfront.CfnResponseHeadersPolicy(this, "Headers", {
      responseHeadersPolicyConfig: {
        name,
        comment: "Bonafide: the headers of web/headers.json",
        ...responseHeaders(readSiteHeaders(props.page), props.origins),
      },
    });
    const origin = "files";
    const services = Object.entries(props.services ?? {}).map(([path, url]) => ({ path, host: Fn.select(2, Fn.split("/", url)) }));
    const distribution = new cloudfront.CfnDistribution(this, "Distribution", {
      distributionConfig: {
        comment: `Bonafide ${config.stage}: ${props.title}`,
        enabled: true,
        aliases: [props.host],
        viewerCertificate: {
          acmCertificateArn: props.certificateArn,
          sslSupportMethod: "sni-only",
          minimumProtocolVersion: "TLSv1.2_2021",
        },
        httpVersion: "http2and3",
        ipv6Enabled: true,
        defaultRootObject: "index.html",
        origins: [
          {
            id: origin,
            domainName: bucket.bucketRegionalDomainName,
            originAccessControlId: access.attrId,
            // The predecessor of access controls. CloudFormation requires it, even if empty.
            s3OriginConfig: { originAccessIdentity: "" },
          },
          ...services.map(({ path, host }) => ({
            id: path,
            domainName: host,
            // The longest time that CloudFront allows by default. A tool waits for its machine.
            customOriginConfig: { originProtocolPolicy: "https-only", originSslProtocols: ["TLSv1.2"], originReadTimeout: 60 },
          })),
        ],
        ...(services.length > 0 && {
          cacheBehaviors: services.map(({ path }) => ({
            pathPattern: path,
            targetOriginId: path,
            viewerProtocolPolicy: "https-only",
            allowedMethods: ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"],
            cachePolicyId: cloudfront.CachePolicy.CACHING_DISABLED.cachePolicyId,
            // Among them the token of the person.
            originRequestPolicyId: cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER.originRequestPolicyId,
          })),
        }),
        defaultCacheBehavior: {
          targetOriginId: origin,
          viewerProtocolPolicy: "redirect-to-https",
          allowedMethods: ["GET", "HEAD"],
          cachedMethods: ["GET", "HEAD"],
          compress: true,
          // Files are served with no-cache: CloudFront asks the bucket again after a second, so nothing has to be invalidated.
          cachePolicyId: cloudfront.CachePolicy.CACHING_OPTIMIZED.cachePolicyId,
          responseHeadersPolicyId: headers.attrId,
        },
        logging: { bucket: logs.bucket.bucketRegionalDomainName, prefix: LOG_PREFIXES.distribution, includeCookies: false },
      },
    });
    this.policy(bucket, "site-bucket", {
      SiteBucketArn: bucket.bucketArn,
      DistributionArn: this.formatArn({ service: "cloudfront", region: "", resource: "distribution", resourceName: distribution.attrId }),
    });
    accept(
      distribution,
      "The page is public and contains no data. The API authorizes every request by a token.",
      "AwsSolutions-CFR1",
      "AwsSolutions-CFR2",
    );

    const outputs = {
      SiteUrl: `${originOf(props.host)}/`,
      SiteBucketName: bucketName,
      // The target for the DNS record of the name.
      SiteDomainName: distribution.attrDomainName,
    };
    for (const [output, value] of Object.entries(outputs)) new CfnOutput(this, output, { value });
  }

  private files(bucketName: string, logs: { bucket: s3.Bucket; policy: s3.CfnBucketPolicy }): s3.Bucket {
    const bucket = new s3.Bucket(this, "Files", {
      ...closed(bucketName),
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      lifecycleRules: [{ id: "ExpireReplacedFiles", noncurrentVersionExpiration: Duration.days(RESTORABLE_DAYS) }],
    });
    const resource = bucket.node.defaultChild as s3.CfnBucket;
    resource.loggingConfiguration = { destinationBucketName: logs.bucket.bucketName, logFilePrefix: LOG_PREFIXES.bucket };
    resource.addResourceDependency(logs.policy);
    acceptOf(bucket);
    return bucket;
  }

  private logs(config: Config, bucketName: string): { bucket: s3.Bucket; policy: s3.CfnBucketPolicy } {
    const logsName = `${bucketName}-logs`;
    const bucket = new s3.Bucket(this, "Logs", {
      ...closed(logsName),
      // CloudFront writes its logs with its own ACL. The account owns the logs nevertheless.
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_PREFERRED,
      lifecycleRules: [
        {
          id: "ExpireAccessLogs",
          expiration: Duration.days(config.logRetentionDays),
          noncurrentVersionExpiration: Duration.days(Math.min(config.logRetentionDays, RESTORABLE_DAYS)),
        },
      ],
    });
    const policy = this.policy(bucket, "access-logs-bucket", {
      LogsBucketArn: bucket.bucketArn,
      LogsPrefix: LOG_PREFIXES.bucket,
      BucketArn: this.formatArn({ service: "s3", region: "", account: "", resource: bucketName }),
      AccountId: Aws.ACCOUNT_ID,
    });
    acceptOf(bucket);
    return { bucket, policy };
  }

  private policy(bucket: s3.Bucket, file: string, values: Placeholders): s3.CfnBucketPolicy {
    return new s3.CfnBucketPolicy(bucket, "Policy", {
      bucket: bucket.bucketName,
      policyDocument: readDocument(join(POLICIES, `resources/${file}.json`), values),
    });
  }
}

function closed(bucketName: string): s3.BucketProps {
  return {
    bucketName,
    encryption: s3.BucketEncryption.S3_MANAGED,
    versioned: true,
    blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
    // The page can be published again at any time.
    removalPolicy: RemovalPolicy.DESTROY,
  };
}

function acceptOf(bucket: s3.Bucket): void {
  accept(
    bucket,
    "The files are public, so a key of the account would protect nothing. CloudFront and S3 deliver logs under S3's own keys only.",
    "NIST.800.53.R5-S3DefaultEncryptionKMS",
    "PCI.DSS.321-S3DefaultEncryptionKMS",
  );
  accept(
    bucket,
    "The page is in the repository and can be published again within a minute, in any region.",
    "NIST.800.53.R5-S3BucketReplicationEnabled",
    "PCI.DSS.321-S3BucketReplicationEnabled",
  );
}
