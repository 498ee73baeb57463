import { Duration } from "aws-cdk-lib";

/** Makes a few calls; the longest has S3 copy the upload. */
export const STARTER_TIMEOUT = Duration.seconds(60);
/** AnalyzeID answers within seconds; the local stand-in takes longer on a loaded machine. */
export const EXTRACT_DOCUMENT_TIMEOUT = Duration.seconds(60);
/** Has to outlast the worker's own timeout for the third party's answer. */
export const VALIDATE_LICENSE_TIMEOUT = Duration.seconds(60);
/** As for `EXTRACT_DOCUMENT_TIMEOUT`. */
export const EXTRACT_IDENTITY_TIMEOUT = Duration.seconds(60);
/** Has to outlast the worker's own timeout for the register's answer; the machine waits as long as its Task says. */
export const VERIFY_IDENTITY_TIMEOUT = Duration.seconds(30);
/** Waits for the machine, which takes four minutes at most. */
export const ONBOARDING_AGENT_TIMEOUT = Duration.seconds(270);
/** Makes one call. */
export const MEASURE_OUTCOME_TIMEOUT = Duration.seconds(60);
