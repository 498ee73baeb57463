import { Duration } from "aws-cdk-lib";
import * as cloudfront from "aws-cdk-lib/aws-cloudfront";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { WEB } from "../paths";

/** `web/headers.json`: the headers of every file of the page, wherever it is served. */
export interface SiteHeaders {
  readonly contentSecurityPolicy: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

export const readSiteHeaders = (): SiteHeaders => JSON.parse(readFileSync(join(WEB, "headers.json"), "utf8"));

type Property = cloudfront.CfnResponseHeadersPolicy.SecurityHeadersConfigProperty;

/** CloudFront accepts these headers only through properties of their own. */
const OWN: Readonly<Record<string, (value: string) => Property>> = {
  "Referrer-Policy": (value) => ({ referrerPolicy: { referrerPolicy: value, override: true } }),
  "Strict-Transport-Security": (value) => ({
    strictTransportSecurity: {
      accessControlMaxAgeSec: Duration.seconds(Number(only(/^max-age=(\d+)$/, "Strict-Transport-Security", value))).toSeconds(),
      override: true,
    },
  }),
  "X-Content-Type-Options": (value) => {
    only(/^(nosniff)$/, "X-Content-Type-Options", value);
    return { contentTypeOptions: { override: true } };
  },
  "X-Frame-Options": (value) => ({ frameOptions: { frameOption: value, override: true } }),
};

/**
 * The headers in CloudFront's form.
 *
 * @param connected Origins to which the page may connect, besides its own.
 * @throws When CloudFront's property for a header cannot express its value.
 */
export function responseHeaders(
  { contentSecurityPolicy, headers }: SiteHeaders,
  connected: readonly string[],
): Pick<cloudfront.CfnResponseHeadersPolicy.ResponseHeadersPolicyConfigProperty, "securityHeadersConfig" | "customHeadersConfig"> {
  const policy = { ...contentSecurityPolicy };
  policy["connect-src"] = [policy["connect-src"], ...connected].join(" ");
  const directives = Object.entries(policy).map(([directive, value]) => `${directive} ${value}`);
  const entries = Object.entries(headers);
  return {
    securityHeadersConfig: {
      contentSecurityPolicy: { contentSecurityPolicy: directives.join("; "), override: true },
      ...Object.assign({}, ...entries.map(([name, value]) => OWN[name]?.(value))),
    },
    customHeadersConfig: {
      items: entries.filter(([name]) => !(name in OWN)).map(([header, value]) => ({ header, value, override: true })),
    },
  };
}

function only(shape: RegExp, name: string, value: string): string {
  const match = shape.exec(value)?.[1];
  if (match === undefined) throw new Error(`CloudFront cannot send "${name}: ${value}".`);
  return match;
}
