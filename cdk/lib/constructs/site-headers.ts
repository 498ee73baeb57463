import { Duration } from "aws-cdk-lib";
import * as cloudfront from "aws-cdk-lib/aws-cloudfront";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { WEB } from "../paths";

/** `web/headers.json`: what every file of the page is served with, wherever it is served. */
export interface SiteHeaders {
  readonly contentSecurityPolicy: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

export const readSiteHeaders = (): SiteHeaders => JSON.parse(readFileSync(join(WEB, "headers.json"), "utf8"));

type Property = cloudfront.CfnResponseHeadersPolicy.SecurityHeadersConfigProperty;

/** These have properties of their own, and CloudFront takes them in no other way. */
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
 * The headers as CloudFront takes them.
 *
 * @param reached Origins that the page may speak to, beside its own.
 * @throws When a header says something that CloudFront's property for it cannot.
 */
export function responseHeaders(
  { contentSecurityPolicy, headers }: SiteHeaders,
  reached: readonly string[],
): Pick<cloudfront.CfnResponseHeadersPolicy.ResponseHeadersPolicyConfigProperty, "securityHeadersConfig" | "customHeadersConfig"> {
  const policy = { ...contentSecurityPolicy };
  policy["connect-src"] = [policy["connect-src"], ...reached].join(" ");
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
  const found = shape.exec(value)?.[1];
  if (found === undefined) throw new Error(`CloudFront cannot say "${name}: ${value}".`);
  return found;
}
