//! The usage of one application, conversation or request, and how AWS meters it.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};

use super::prices::{Bill, Prices};
use super::templates::Templates;
use super::{DAYS_PER_MONTH, GIGABYTE, number};

/// The worker that waits for Express machines and signs the addresses of uploads.
pub(super) const AGENT: &str = "onboarding-agent";
/// The worker that copies uploads.
const STARTER: &str = "starter";
/// The worker that reads front and back of a document for each call of `AnalyzeID`.
const EXTRACTION: &str = "extract-document";
/// The unit to which AWS rounds an Express execution up.
const EXPRESS_MILLISECONDS: f64 = 100.0;
const EXPRESS_MEGABYTES: f64 = 64.0;
/// Bytes that `DynamoDB` adds to each row and to each entry of an index.
pub(super) const ROW_OVERHEAD: f64 = 100.0;

/// The tables, by the outputs that hold their names.
pub(super) const TABLES: [(Table, &str); 8] = [
    (Table::Applications, "ApplicationsTableName"),
    (Table::Submissions, "SubmissionsTableName"),
    (Table::Decisions, "DecisionsTableName"),
    (Table::Cases, "CasesTableName"),
    (Table::Customers, "CustomersTableName"),
    (Table::FaceMetadata, "FaceMetadataTableName"),
    (Table::FaceRequests, "FaceRequestsTableName"),
    (Table::Conversations, "ConversationsTableName"),
];

/// A table or index; each has one row size in the calculation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Table {
    Applications,
    /// The index `byStatus` of applications.
    ByStatus,
    Submissions,
    /// The index `byStatus` of submissions.
    SubmissionsByStatus,
    Decisions,
    Cases,
    Customers,
    FaceMetadata,
    FaceRequests,
    Conversations,
}

/// A call of a worker or a machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Call {
    /// `None`: a machine.
    pub(super) worker: Option<String>,
    /// The action as in policies: `s3:PutObject`.
    pub(super) action: String,
    pub(super) table: Option<Table>,
    pub(super) is_in_transaction: bool,
}

/// An object that was put into the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) key: String,
    pub(super) bytes: u64,
    /// Whether the applicant uploaded it; a worker's PUT is one of its calls.
    pub(super) is_upload: bool,
    /// Whether S3 sends an event of it to a queue.
    pub(super) is_announced: bool,
}

/// An execution of an Express machine, for which AWS bills time and memory instead of states.
#[derive(Debug, Clone, Default)]
pub(super) struct Express {
    /// Runs of workers that it waited for, including retries.
    pub(super) runs: BTreeMap<String, u64>,
    /// Its other calls, including retries.
    pub(super) calls: u64,
    /// The size of its definition and of all inputs and outputs of its states.
    pub(super) bytes: u64,
}

/// All counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Usage {
    /// State transitions and retries, without those of Express machines.
    pub(super) transitions: u64,
    pub(super) express: Vec<Express>,
    /// Events in the histories of its executions; of an Express machine, in its log.
    pub(super) history_events: u64,
    pub(super) calls: BTreeMap<Call, u64>,
    /// Runs by worker.
    pub(super) runs: BTreeMap<String, u64>,
    /// Sizes of the rows about it, by table. In bytes.
    pub(super) rows: BTreeMap<Table, u64>,
    /// Objects in the bucket, except for those that are kept as long as a face.
    pub(super) objects: Vec<Object>,
    /// Log lines of the workers, and their bytes.
    pub(super) log_lines: u64,
    pub(super) log_bytes: u64,
    /// Faces left in the collection of applications.
    pub(super) faces: u64,
    /// Requests that API Gateway answered.
    pub(super) api_requests: u64,
}

/// Request units of a row: at least one, one for each `kilobytes`.
fn units(bytes: u64, kilobytes: u64) -> f64 {
    number(bytes.div_ceil(kilobytes * 1024).max(1))
}

impl Usage {
    /// The number of calls of an action, by machines and workers.
    pub(super) fn called(&self, action: &str) -> u64 {
        self.calls.iter().filter(|(call, _)| call.action == action).map(|(_, count)| count).sum()
    }

    /// The assumed seconds of Lambda of all workers.
    pub(super) fn lambda_seconds(&self, prices: &Prices) -> Result<f64> {
        let seconds = |(worker, runs): (&String, &u64)| Ok(number(*runs) * prices.milliseconds(worker)? / 1000.0);
        self.runs.iter().map(seconds).sum()
    }

    /// The metered units, including storage until deletion.
    ///
    /// # Errors
    /// When a call has no known price.
    pub(super) fn bill(&self, on: &Templates, prices: &Prices) -> Result<Bill> {
        let mut bill = Bill::default();
        bill.add("stateTransition", number(self.transitions));
        for (call, count) in &self.calls {
            self.bill_call(&mut bill, call, number(*count), on)
                .with_context(|| format!("{call:?}: add its price to tools/src/cost/usage.rs"))?;
        }
        let mut agent_waits = 0.0;
        for Express { runs, calls, bytes } in &self.express {
            let mut milliseconds = number(*calls) * prices.assumed("expressMillisecondsPerCall")?;
            for (worker, runs) in runs {
                milliseconds += number(*runs) * prices.milliseconds(worker)?;
            }
            agent_waits += milliseconds;
            let billed = (milliseconds / EXPRESS_MILLISECONDS).ceil() * EXPRESS_MILLISECONDS;
            let megabytes = prices.assumed("expressMegabytes")? + number(*bytes) / 1_048_576.0;
            let megabytes = (megabytes / EXPRESS_MEGABYTES).ceil() * EXPRESS_MEGABYTES;
            bill.add("expressRequest", 1.0);
            bill.add("expressGigabyteHour", megabytes / 1024.0 * billed / 3_600_000.0);
        }
        for (worker, runs) in &self.runs {
            let memory = on.memory_megabytes.get(worker).with_context(|| format!("{worker} is not deployed"))?;
            let waits = if worker == AGENT { agent_waits } else { 0.0 };
            let milliseconds = number(*runs) * prices.milliseconds(worker)? + waits;
            bill.add("lambdaRequest", number(*runs));
            bill.add(on.lambda_second(), memory / 1024.0 * milliseconds / 1000.0);
            if on.queue_fed.contains(worker) {
                // Each message is below 64 KB, and is received and deleted.
                bill.add("sqsRequest", 2.0 * number(*runs));
            }
            if worker == AGENT || on.queue_fed.contains(worker) || on.stream_fed.contains(worker) {
                // A machine passes its trace on; a worker that a queue, a stream or an agent calls begins one; Lambda samples at least one a second.
                bill.add("trace", number(*runs));
            }
        }
        self.bill_storage(&mut bill, on)?;
        self.bill_logs(&mut bill, on, prices)?;
        bill.add("apiRequest", number(self.api_requests));
        // A request to API Gateway begins a trace, to which the workers' segments belong.
        bill.add("trace", number(self.api_requests));
        Ok(bill)
    }

    fn bill_call(&self, bill: &mut Bill, call: &Call, count: f64, on: &Templates) -> Result<()> {
        let worker = call.worker.as_deref();
        match (call.action.as_str(), worker) {
            ("rekognition:DetectFaces", _) => bill.add("rekognitionGroup2", count),
            (
                "rekognition:CompareFaces"
                | "rekognition:SearchFacesByImage"
                | "rekognition:IndexFaces"
                | "rekognition:SearchFaces",
                _,
            ) => bill.add("rekognitionGroup1", count),
            // The starter asks for the metadata of each upload, and copies it. Of a copy, only the new object is paid for.
            ("s3:GetObjectVersion", Some(STARTER)) => bill.add("s3Get", count / 2.0),
            // An upload with an address that the agent's function signed is counted with the object, and AnalyzeID is counted by the pages
            // that it reads.
            ("s3:PutObject", Some(AGENT)) | ("textract:AnalyzeID", Some(EXTRACTION)) => {}
            // Pictures that Rekognition and Textract read are included, because they read with the worker's permissions.
            ("s3:GetObject" | "s3:GetObjectVersion", _) => {
                bill.add("s3Get", count);
                if worker == Some(EXTRACTION) {
                    bill.add("analyzeIdPage", count);
                }
            }
            // A list costs what a PUT does.
            ("s3:PutObject" | "s3:ListBucketVersions", _) => bill.add("s3Put", count),
            ("textract:DetectDocumentText", _) => bill.add("detectTextPage", count),
            // In a conversation, a document has one page.
            ("textract:AnalyzeID", _) => bill.add("analyzeIdPage", count),
            ("secretsmanager:GetSecretValue", _) => bill.add("secretRequest", count),
            ("sns:Publish", _) => {
                bill.add("snsPublish", count);
                bill.add("sqsRequest", if on.is_measured { count } else { 0.0 });
            }
            ("sqs:SendMessage", _) => bill.add("sqsRequest", count),
            (action, _) if action.starts_with("dynamodb:") => self.bill_row(bill, call, count)?,
            // Not priced here: executions and invocations are counted where they run, messages where they are sent and received, and logs
            // by bytes.
            (
                "lambda:Invoke"
                | "logs:CreateLogStream"
                | "logs:PutLogEvents"
                | "rekognition:DeleteFaces"
                | "s3:DeleteObjectVersion"
                | "sfn:DescribeExecution"
                | "sfn:GetExecutionHistory"
                | "sqs:DeleteMessage"
                | "sqs:GetQueueAttributes"
                | "sqs:ReceiveMessage"
                | "states:SendTaskFailure"
                | "states:SendTaskHeartbeat"
                | "states:SendTaskSuccess"
                | "states:StartExecution"
                | "states:StartSyncExecution"
                | "xray:PutTelemetryRecords"
                | "xray:PutTraceSegments",
                _,
            ) => {}
            _ => bail!("no price"),
        }
        if worker.is_none() {
            // Rekognition reads the picture with the machine's permissions; for a comparison, both pictures.
            let pictures = match call.action.as_str() {
                "rekognition:DetectFaces" | "rekognition:SearchFacesByImage" | "rekognition:IndexFaces" => 1.0,
                "rekognition:CompareFaces" => 2.0,
                _ => 0.0,
            };
            bill.add("s3Get", pictures * count);
        }
        Ok(())
    }

    fn bytes(&self, table: Table) -> u64 {
        self.rows.get(&table).copied().unwrap_or_default()
    }

    /// A write counts with the final size of the row: AWS counts the larger of the sizes before and after.
    fn bill_row(&self, bill: &mut Bill, call: &Call, count: f64) -> Result<()> {
        let table = call.table.context("no table")?;
        let bytes = self.bytes(table);
        let indexes = match (call.action.as_str(), table) {
            // Decisions are queried for the number of the last one.
            ("dynamodb:GetItem", _) | ("dynamodb:Query", Table::Decisions) => {
                bill.add("dynamoDbRead", count * units(bytes, 4));
                return Ok(());
            }
            ("dynamodb:Query", Table::FaceMetadata) => {
                // An entry of an index can only be read eventually consistently, for half the price.
                bill.add("dynamoDbRead", count * units(bytes, 4) / 2.0);
                return Ok(());
            }
            // `updatedAt` is the sort key of `byStatus`, so every write deletes an entry and adds another.
            ("dynamodb:UpdateItem" | "dynamodb:PutItem", Table::Applications) => {
                2.0 * units(self.bytes(Table::ByStatus), 1)
            }
            // A new record enters its index, and a conclusion moves it there.
            ("dynamodb:PutItem", Table::Submissions) => units(self.bytes(Table::SubmissionsByStatus), 1),
            ("dynamodb:UpdateItem", Table::Submissions) if call.is_in_transaction => {
                2.0 * units(self.bytes(Table::SubmissionsByStatus), 1)
            }
            (
                "dynamodb:UpdateItem" | "dynamodb:PutItem",
                Table::Submissions | Table::Customers | Table::FaceRequests | Table::Conversations,
            )
            | ("dynamodb:PutItem", Table::Decisions) => 0.0,
            // A new record enters `byUnindexed`; a deletion removes an entry of `byRekognitionFaceId`.
            ("dynamodb:PutItem" | "dynamodb:DeleteItem", Table::FaceMetadata) => 1.0,
            // The record moves from `byUnindexed` to `byRekognitionFaceId`, or from one status of a case to the next.
            ("dynamodb:UpdateItem", Table::FaceMetadata | Table::Cases) => 2.0,
            _ => bail!("no price"),
        };
        // Transactions count twice: <https://aws.amazon.com/dynamodb/pricing/on-demand/>.
        let times = if call.is_in_transaction { 2.0 } else { 1.0 };
        bill.add("dynamoDbWrite", count * times * (units(bytes, 1) + indexes));
        Ok(())
    }

    fn bill_storage(&self, bill: &mut Bill, on: &Templates) -> Result<()> {
        for Object { key, bytes, is_upload, is_announced } in &self.objects {
            let days = on.object_days.iter().find(|(prefix, _)| key.starts_with(*prefix));
            let (_, days) = days.with_context(|| format!("how long is {key} kept?"))?;
            bill.add("s3GigabyteMonth", number(*bytes) / GIGABYTE * days / DAYS_PER_MONTH);
            bill.add("s3Put", f64::from(u8::from(*is_upload)));
            bill.add("sqsRequest", f64::from(u8::from(*is_announced)));
        }
        let months = on.record_days / DAYS_PER_MONTH;
        for (table, bytes) in self.rows.iter().filter(|(_, bytes)| **bytes > 0) {
            let kept = match table {
                // Kept as long as the face, so not a cost of the request.
                Table::FaceMetadata => 0.0,
                Table::FaceRequests | Table::Conversations => 1.0 / DAYS_PER_MONTH,
                // Decisions are never deleted; their cost after this time is negligible.
                _ => months,
            };
            bill.add("dynamoDbGigabyteMonth", (number(*bytes) + ROW_OVERHEAD) / GIGABYTE * kept);
        }
        bill.add("faceMonth", number(self.faces) * months);
        Ok(())
    }

    fn bill_logs(&self, bill: &mut Bill, on: &Templates, prices: &Prices) -> Result<()> {
        let runs: u64 = self.runs.values().sum();
        let lines = number(self.log_lines + self.api_requests + self.history_events);
        let bytes = number(self.log_bytes)
            + lines * prices.assumed("logBytesPerLine")?
            + number(runs) * prices.assumed("logBytesPerInvocation")?
            + number(self.api_requests) * prices.assumed("logBytesPerApiRequest")?
            + number(self.history_events) * prices.assumed("logBytesPerHistoryEvent")?;
        bill.add("logsGigabyte", bytes / GIGABYTE);
        let kept = bytes / GIGABYTE * prices.assumed("logCompression")?;
        bill.add("logsGigabyteMonth", kept * on.log_days / DAYS_PER_MONTH);
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn templates() -> Templates {
        let memory = [("starter", 256.0), (AGENT, 256.0), ("extract-identity", 256.0), ("register-face", 512.0)];
        Templates {
            memory_megabytes: memory.map(|(name, size)| (name.to_owned(), size)).into(),
            queue_fed: ["starter".to_owned()].into(),
            object_days: [("zipped/".to_owned(), 60.0)].into(),
            record_days: 365.25,
            log_days: 365.25,
            is_measured: true,
            ..Templates::default()
        }
    }

    fn bill(usage: &Usage) -> Bill {
        usage.bill(&templates(), &Prices::included().unwrap()).unwrap()
    }

    /// `action`, or `action` of a table, by a worker or (`""`) a machine, with how often.
    fn calls(calls: &[(&str, &str, Option<Table>, bool, u64)]) -> BTreeMap<Call, u64> {
        let call = |(worker, action, table, is_in_transaction, count): &(&str, &str, Option<Table>, bool, u64)| {
            let worker = (!worker.is_empty()).then(|| (*worker).to_owned());
            let call =
                Call { worker, action: (*action).to_owned(), table: *table, is_in_transaction: *is_in_transaction };
            (call, *count)
        };
        calls.iter().map(call).collect()
    }

    #[track_caller]
    fn is(bill: &Bill, expected: &[(&str, f64)]) {
        for (meter, units) in expected {
            assert!((bill.of(meter) - units).abs() < 1e-9, "{meter}: {} instead of {units}", bill.of(meter));
        }
    }

    #[test]
    fn counts_pictures_and_pages() {
        let calls = calls(&[
            ("", "rekognition:DetectFaces", None, false, 2),
            ("", "rekognition:CompareFaces", None, false, 1),
            ("", "rekognition:SearchFaces", None, false, 1),
            (EXTRACTION, "s3:GetObjectVersion", None, false, 2),
            (EXTRACTION, "textract:AnalyzeID", None, false, 1),
            ("extract-identity", "textract:AnalyzeID", None, false, 1),
            ("starter", "s3:GetObjectVersion", None, false, 2),
            (AGENT, "s3:PutObject", None, false, 1),
        ]);
        let bill = bill(&Usage { calls, ..Usage::default() });
        is(&bill, &[("rekognitionGroup2", 2.0), ("rekognitionGroup1", 2.0), ("analyzeIdPage", 3.0)]);
        // Two and two of the machine, two of the document, one for the metadata of the upload; a copy's source is free.
        is(&bill, &[("s3Get", 7.0), ("s3Put", 0.0)]);
    }

    #[test]
    fn counts_request_units_by_size_index_and_transaction() {
        for (bytes, count) in [(0, 1.0), (1, 1.0), (1_024, 1.0), (1_025, 2.0)] {
            assert!((units(bytes, 1) - count).abs() < 1e-9, "{bytes} bytes");
        }
        let calls = calls(&[
            ("", "dynamodb:UpdateItem", Some(Table::Applications), false, 2),
            ("", "dynamodb:GetItem", Some(Table::Applications), false, 1),
            ("starter", "dynamodb:PutItem", Some(Table::Submissions), true, 1),
            ("conclude-submission", "dynamodb:UpdateItem", Some(Table::Submissions), true, 1),
            ("conclude-submission", "dynamodb:PutItem", Some(Table::Decisions), true, 1),
            ("conclude-submission", "dynamodb:Query", Some(Table::Decisions), false, 1),
            ("register-face", "dynamodb:UpdateItem", Some(Table::FaceMetadata), false, 1),
            ("verify-face", "dynamodb:Query", Some(Table::FaceMetadata), false, 1),
        ]);
        let rows = [
            (Table::Applications, 2_500),
            (Table::ByStatus, 300),
            (Table::Submissions, 3_500),
            (Table::SubmissionsByStatus, 300),
            (Table::Decisions, 1_500),
            (Table::FaceMetadata, 700),
        ];
        let bill = bill(&Usage { calls, rows: rows.into(), ..Usage::default() });
        // Two of 3 KB, each with two of the index; in transactions 4 KB with one of the index, then with two, and 2 KB; a face with two
        // indexes.
        let transactions = (4.0 + 1.0) + (4.0 + 2.0) + 2.0;
        is(&bill, &[("dynamoDbWrite", 2.0 * (3.0 + 2.0) + 2.0 * transactions + 3.0), ("dynamoDbRead", 2.5)]);
        // Five rows and entries, 100 bytes more each, for twelve months; a face's is no cost of the request.
        is(&bill, &[("dynamoDbGigabyteMonth", (8_100.0 + 500.0) / GIGABYTE * 12.0)]);
    }

    #[test]
    fn counts_messages_runs_and_storage() {
        let object = Object { key: "zipped/a.zip".to_owned(), bytes: 1 << 20, is_upload: true, is_announced: true };
        let bill = bill(&Usage {
            calls: calls(&[("", "sns:Publish", None, false, 1), ("", "sqs:SendMessage", None, false, 2)]),
            objects: vec![object],
            runs: [("starter".to_owned(), 3)].into(),
            faces: 1,
            ..Usage::default()
        });
        // S3, SNS and the machine send 4; starter is run by 3 of them, each received and deleted.
        is(&bill, &[("sqsRequest", 4.0 + 6.0), ("snsPublish", 1.0), ("s3Put", 1.0), ("trace", 3.0)]);
        is(&bill, &[("s3GigabyteMonth", 1.0 / 1024.0 * 60.0 / DAYS_PER_MONTH), ("faceMonth", 12.0)]);
        is(&bill, &[("lambdaSecondX86", 3.0 * 0.25 * 0.6), ("lambdaRequest", 3.0)]);
    }

    #[test]
    fn counts_logs_by_bytes_and_lines() {
        let runs = [("register-face".to_owned(), 1)].into();
        let usage =
            Usage { log_bytes: 1_000, log_lines: 10, history_events: 2, api_requests: 1, runs, ..Usage::default() };
        let bytes = (1_000.0 + 10.0 * 26.0 + 900.0 + 2.0 * (700.0 + 26.0) + 400.0 + 26.0) / GIGABYTE;
        is(&bill(&usage), &[("logsGigabyte", bytes), ("logsGigabyteMonth", bytes * 0.15 * 12.0), ("trace", 1.0)]);
    }

    #[test]
    fn rounds_express_executions_up_and_bills_the_agent_that_waits() {
        let runs = BTreeMap::from([("extract-identity".to_owned(), 1)]);
        let express = vec![
            // 50 MB are AWS's own: 14 more are still 64. 2,000 + 2 × 50 ms.
            Express { runs: runs.clone(), calls: 2, bytes: 14 << 20 },
            Express { runs: BTreeMap::new(), calls: 3, bytes: (14 << 20) + 1 },
        ];
        let runs = [(AGENT.to_owned(), 2), ("extract-identity".to_owned(), 1)].into();
        let bill = bill(&Usage { express, runs, ..Usage::default() });
        is(&bill, &[("expressRequest", 2.0), ("expressGigabyteHour", (2.1 / 16.0 + 0.2 / 8.0) / 3_600.0)]);
        is(&bill, &[("lambdaSecondX86", 0.25 * (2.0 * 0.05 + 2.1 + 0.15 + 2.0)), ("trace", 2.0)]);
    }

    #[test]
    fn refuses_a_call_without_a_known_price() {
        let prices = Prices::included().unwrap();
        for (action, table) in [
            ("bedrock:InvokeModel", None),
            ("dynamodb:GetItem", None),
            ("dynamodb:Scan", Some(Table::Applications)),
            ("dynamodb:UpdateItem", Some(Table::Decisions)),
        ] {
            let calls = calls(&[("starter", action, table, false, 1)]);
            Usage { calls, ..Usage::default() }.bill(&templates(), &prices).unwrap_err();
        }
        let object = Object { key: "elsewhere/x".to_owned(), bytes: 1, is_upload: false, is_announced: false };
        Usage { objects: vec![object], ..Usage::default() }.bill(&templates(), &prices).unwrap_err();
        Usage { runs: [("unknown".to_owned(), 1)].into(), ..Usage::default() }.bill(&templates(), &prices).unwrap_err();
    }
}
