import { Duration } from "aws-cdk-lib";
import * as cloudfront from "aws-cdk-lib/aws-cloudfront";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { WEB } from "../paths";

/** The headers of every file of a page, wherever it is served. */
export interface SiteHeaders {
  readonly contentSecurityPolicy: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** The pages, by their names in `web/headers.json` and in `web/page.js`. */
export type PageName = "faces" | "desk" | "conversation";

/** Reads `web/headers.json`: what all pages have, and what one has in addition. */
export function readSiteHeaders(page: PageName): SiteHeaders {
  const { all, [page]: own } = JSON.parse(readFileSync(join(WEB, "headers.json"), "utf8")) as Record<PageName | "all", SiteHeaders>;
  return {
    contentSecurityPolicy: { ...all.contentSecurityPolicy, ...own.contentSecurityPolicy },
    headers: { ...all.headers, ...own.headers },
  };
}

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
 * @param origins Further origins of the content security policy, by directive.
 * @throws When CloudFront's property for a header cannot express its value.
 */
export function responseHeaders(
  { contentSecurityPolicy, headers }: SiteHeaders,
  origins: Readonly<Record<string, readonly string[]>>,
): Pick<cloudfront.CfnResponseHeadersPolicy.ResponseHeadersPolicyConfigProperty, "securityHeadersConfig" | "customHeadersConfig"> {
  const directives = Object.entries(contentSecurityPolicy).map(([directive, value]) =>
    [directive, value, ...(origins[directive] ?? [])].join(" "),
  );
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
