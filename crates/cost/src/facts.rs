//! What was recorded of one application, and how AWS meters it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bill::Usage;
use crate::deployment::Deployment;
use crate::prices::{Assumed, Meter};

/// Write requests to the index `byStatus` per write to the table: `updatedAt` is its sort key, so every write moves the entry.
const INDEX_WRITES: f64 = 2.0;
/// A write in a transaction costs so many times as much: <https://aws.amazon.com/dynamodb/pricing/on-demand/>.
const IN_TRANSACTION: f64 = 2.0;
/// The worker that waits for Express machines, and signs the addresses of uploads.
const AGENT: &str = "onboarding-agent";
/// The worker that copies uploads.
const STARTER: &str = "starter";
/// What AWS rounds an execution of an Express machine up to.
const EXPRESS_MILLISECONDS: f64 = 100.0;
/// See [`EXPRESS_MILLISECONDS`].
const EXPRESS_MEGABYTES: f64 = 64.0;
/// How long the note of a request to the face API is kept, in days.
const NOTE_DAYS: f64 = 1.0;
const MEGABYTE: f64 = 1_048_576.0;
/// `DynamoDB` adds this to each row, and again to each entry of an index. In bytes.
const ROW_OVERHEAD: f64 = 100.0;
const DAYS_PER_MONTH: f64 = 365.25 / 12.0;
const GIGABYTE: f64 = 1_073_741_824.0;

/// A table, since rows of one size are read and written in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Table {
    /// One row for each application and conversation.
    Applications,
    /// One row for each upload of an application.
    Submissions,
    /// One row for each decision about an application.
    Decisions,
    /// One row for each customer.
    Customers,
    /// One row for each face of the face API.
    FaceMetadata,
    /// One row for each request to the face API that may come twice, for a day.
    FaceRequests,
}

/// A call that a worker made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkerCall {
    /// Its crate's name.
    pub worker: String,
    /// As policies spell it: `s3:PutObject`.
    pub action: String,
    /// To which table, if it was to one.
    pub table: Option<Table>,
    /// It was a part of a transaction.
    pub is_in_transaction: bool,
}

/// Something that was put into the bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// Its size.
    pub bytes: u64,
    /// By the applicant, or by a worker.
    pub is_upload: bool,
    /// S3 sends a message of it to a queue.
    pub is_announced: bool,
}

/// An execution of an Express machine, for which AWS bills time and memory instead of states.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Express {
    /// Runs of workers that it waited for, retries included.
    pub runs: BTreeMap<String, u64>,
    /// Its other calls, retries included.
    pub calls: u64,
    /// Sizes of its definition, and of all that its states were given and gave.
    pub bytes: u64,
}

/// Everything that one application, conversation or request to the face API left behind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// States entered and tasks tried again, in all its executions.
    pub transitions: u64,
    /// Executions of Express machines, whose states are not transitions.
    pub express: Vec<Express>,
    /// Events in the histories of its executions; of an Express machine, in its log.
    pub history_events: u64,
    /// Calls of the machines: `rekognition:detectFaces`; with ` (customers)` or ` (submissions)` to that table instead of that of
    /// applications.
    pub machine_calls: BTreeMap<String, u64>,
    /// Calls of the workers, with how often each was made.
    pub worker_calls: Vec<(WorkerCall, u64)>,
    /// Pages that `AnalyzeID` was given.
    pub pages: u64,
    /// Runs by worker.
    pub invocations: BTreeMap<String, u64>,
    /// Sizes of its row, of the row's entry in the index, and of the customer. In bytes.
    pub row_bytes: u64,
    /// See `row_bytes`.
    pub index_bytes: u64,
    /// See `row_bytes`; 0 without a customer.
    pub customer_bytes: u64,
    /// Sizes of the records of its uploads and of its decisions, each all together. In bytes; 0 of a conversation.
    pub submission_bytes: u64,
    /// Of their entries in an index; see `submission_bytes`.
    pub submission_index_bytes: u64,
    /// See `submission_bytes`.
    pub decision_bytes: u64,
    /// Sizes of the record of the face that a request is about, and of the note of the request. In bytes; 0 when there is none.
    pub face_bytes: u64,
    /// See `face_bytes`.
    pub note_bytes: u64,
    /// In the bucket; but not what is kept as long as a face.
    pub objects: Vec<Object>,
    /// Of the workers' own lines.
    pub log_bytes: u64,
    /// Lines of the workers.
    pub log_lines: u64,
    /// Faces left in the collection of applications.
    pub faces: u64,
    /// Requests that API Gateway has answered.
    pub api_requests: u64,
}

/// What is kept of one face of the face API, until somebody removes it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptFace {
    /// Size of its picture.
    pub picture_bytes: u64,
    /// Sizes of its record and of the record's entry in an index.
    pub record_bytes: u64,
    /// See `record_bytes`.
    pub index_bytes: u64,
}

impl KeptFace {
    /// What AWS meters for it in a month.
    #[must_use]
    pub fn month(&self) -> Usage {
        let mut usage = Usage::default();
        usage.add(Meter::FaceMonth, 1.0);
        usage.add(Meter::S3GigabyteMonth, number(self.picture_bytes) / GIGABYTE);
        let rows = number(self.record_bytes + self.index_bytes) + 2.0 * ROW_OVERHEAD;
        usage.add(Meter::DynamoDbGigabyteMonth, rows / GIGABYTE);
        usage
    }
}

/// A call whose price nobody has looked up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nothing is known about the price of {0}: teach it to crates/cost")]
pub struct Unpriced(pub String);

fn number(count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts of one application")]
    let number = count as f64;
    number
}

/// Request units of a row: at least one, one for each `kilobytes`.
fn units(bytes: u64, kilobytes: u64) -> f64 {
    number(bytes.div_ceil(kilobytes * 1024).max(1))
}

fn run_milliseconds(worker: &str, assumed: &Assumed) -> Result<f64, Unpriced> {
    let assumption = assumed.lambda_milliseconds.get(worker);
    assumption.map(|assumption| assumption.value).ok_or_else(|| Unpriced(format!("a run of {worker}")))
}

impl Express {
    /// How long it takes, before AWS rounds it up.
    fn milliseconds(&self, assumed: &Assumed) -> Result<f64, Unpriced> {
        let mut sum = number(self.calls) * assumed.express_milliseconds_per_call.value;
        for (worker, runs) in &self.runs {
            sum += number(*runs) * run_milliseconds(worker, assumed)?;
        }
        Ok(sum)
    }
}

impl Facts {
    /// What AWS meters for it over its whole life, storage until it is deleted included.
    ///
    /// # Errors
    /// When it made a call that is not known here.
    pub fn usage(&self, deployment: &Deployment, assumed: &Assumed) -> Result<Usage, Unpriced> {
        let mut usage = Usage::default();
        usage.add(Meter::StateTransition, number(self.transitions));
        usage.add(Meter::AnalyzeIdPage, number(self.pages));
        let mut messages = 0.0;
        for (call, count) in &self.machine_calls {
            messages += self.meter_machine(&mut usage, call, number(*count), deployment)?;
        }
        for (call, count) in &self.worker_calls {
            messages += self.meter_worker(&mut usage, call, number(*count), deployment)?;
        }
        self.meter_lambda(&mut usage, deployment, assumed)?;
        self.meter_express(&mut usage, assumed)?;
        self.meter_queues(&mut usage, messages, deployment);
        self.meter_storage(&mut usage, deployment)?;
        self.meter_logs(&mut usage, deployment, assumed);
        usage.add(Meter::ApiRequest, number(self.api_requests));
        // Where it comes in, a trace begins, and the workers' parts belong to it.
        usage.add(Meter::Trace, number(self.api_requests));
        if deployment.has_keys() {
            let requests = usage.of(Meter::S3Get) + usage.of(Meter::S3Put);
            usage.add(Meter::KeyRequest, requests * assumed.key_requests_per_object_request.value);
        }
        Ok(usage)
    }

    /// Gives the messages that the call sends to a queue.
    fn meter_machine(&self, usage: &mut Usage, call: &str, count: f64, on: &Deployment) -> Result<f64, Unpriced> {
        match call {
            "rekognition:detectFaces" => {
                usage.add(Meter::RekognitionGroup2, count);
                usage.add(Meter::S3Get, count);
            }
            "rekognition:searchFacesByImage" | "rekognition:indexFaces" => {
                usage.add(Meter::RekognitionGroup1, count);
                usage.add(Meter::S3Get, count);
            }
            // By the id of a face: no picture is read.
            "rekognition:searchFaces" => usage.add(Meter::RekognitionGroup1, count),
            "rekognition:compareFaces" => {
                usage.add(Meter::RekognitionGroup1, count);
                // Selfie and document.
                usage.add(Meter::S3Get, 2.0 * count);
            }
            "dynamodb:getItem" => usage.add(Meter::DynamoDbRead, count * units(self.row_bytes, 4)),
            "dynamodb:getItem (customers)" => usage.add(Meter::DynamoDbRead, count * units(self.customer_bytes, 4)),
            "dynamodb:updateItem" => usage.add(Meter::DynamoDbWrite, count * self.write_units(Table::Applications)),
            "dynamodb:updateItem (submissions)" => {
                usage.add(Meter::DynamoDbWrite, count * self.write_units(Table::Submissions));
            }
            // Refused because there is one already, it costs as much.
            "dynamodb:putItem (customers)" => {
                usage.add(Meter::DynamoDbWrite, count * self.write_units(Table::Customers));
            }
            "sns:publish" => {
                usage.add(Meter::SnsPublish, count);
                return Ok(if on.is_measured { count } else { 0.0 });
            }
            "sqs:sendMessage" => return Ok(count),
            "events:statusChange" => usage.add(Meter::ServiceEvent, count),
            // Free by themselves: what they start is counted where it runs.
            "lambda:invoke"
            | "states:startExecution"
            | "sfn:getExecutionHistory"
            | "sfn:describeExecution"
            | "rekognition:deleteFaces" => {}
            _ => return Err(Unpriced(call.to_owned())),
        }
        Ok(0.0)
    }

    /// Gives the messages that the call sends to a queue.
    fn meter_worker(&self, usage: &mut Usage, call: &WorkerCall, count: f64, on: &Deployment) -> Result<f64, Unpriced> {
        match call.action.as_str() {
            "rekognition:DetectFaces" => usage.add(Meter::RekognitionGroup2, count),
            "rekognition:SearchFacesByImage" | "rekognition:IndexFaces" => usage.add(Meter::RekognitionGroup1, count),
            // Of a copy, only the new object is paid for.
            "s3:GetObjectVersion" if call.worker == STARTER => {}
            // Pictures that Rekognition reads are among them: it does so with the worker's permissions.
            "s3:GetObject" | "s3:GetObjectVersion" => usage.add(Meter::S3Get, count),
            // The applicant's upload with an address that the agent's function signed: counted with the object.
            "s3:PutObject" if call.worker == AGENT => {}
            // A list costs what a PUT does.
            "s3:PutObject" | "s3:ListBucketVersions" => usage.add(Meter::S3Put, count),
            "textract:DetectDocumentText" => usage.add(Meter::DetectTextPage, count),
            action if action.starts_with("dynamodb:") => self.meter_table(usage, call, count)?,
            "secretsmanager:GetSecretValue" => usage.add(Meter::SecretRequest, count),
            "sns:Publish" => {
                usage.add(Meter::SnsPublish, count);
                return Ok(if on.is_measured { count } else { 0.0 });
            }
            // Deleting is free; pages are counted apart; executions that are waited for as well; answers to machines and starts of executions are free by themselves; what Lambda does with
            // queues is counted by messages, and logs by bytes.
            "rekognition:DeleteFaces"
            | "s3:DeleteObjectVersion"
            | "textract:AnalyzeID"
            | "states:StartExecution"
            | "states:StartSyncExecution"
            | "states:SendTaskHeartbeat"
            | "states:SendTaskSuccess"
            | "states:SendTaskFailure"
            | "sqs:ReceiveMessage"
            | "sqs:DeleteMessage"
            | "sqs:GetQueueAttributes"
            | "logs:CreateLogStream"
            | "logs:PutLogEvents"
            | "xray:PutTraceSegments"
            | "xray:PutTelemetryRecords" => {}
            action => return Err(Unpriced(action.to_owned())),
        }
        Ok(0.0)
    }

    fn meter_table(&self, usage: &mut Usage, call: &WorkerCall, count: f64) -> Result<(), Unpriced> {
        let unpriced = || Unpriced(format!("{} on {:?}", call.action, call.table));
        let table = call.table.ok_or_else(unpriced)?;
        let bytes = self.bytes_in(table);
        let write = match (call.action.as_str(), table) {
            // A query of decisions is for the number of the last one.
            ("dynamodb:GetItem", _) | ("dynamodb:Query", Table::Decisions) => {
                usage.add(Meter::DynamoDbRead, count * units(bytes, 4));
                return Ok(());
            }
            ("dynamodb:Query", Table::FaceMetadata) => {
                // One entry of an index, which cannot be read consistently, for half the price.
                usage.add(Meter::DynamoDbRead, count * units(bytes, 4) / 2.0);
                return Ok(());
            }
            // A new record enters the index `byStatus`, and a conclusion moves it there.
            ("dynamodb:PutItem", Table::Submissions) => self.write_units(table) + 1.0,
            ("dynamodb:UpdateItem", Table::Submissions) if call.is_in_transaction => self.write_units(table) + 2.0,
            (
                "dynamodb:UpdateItem" | "dynamodb:PutItem",
                Table::Applications | Table::Submissions | Table::Customers | Table::FaceRequests,
            )
            | ("dynamodb:PutItem", Table::Decisions) => self.write_units(table),
            // A new record enters `byUnindexed`, and with it ends in `byRekognitionFaceId`.
            ("dynamodb:PutItem" | "dynamodb:DeleteItem", Table::FaceMetadata) => units(bytes, 1) + 1.0,
            // It leaves the one index for the other.
            ("dynamodb:UpdateItem", Table::FaceMetadata) => units(bytes, 1) + 2.0,
            _ => return Err(unpriced()),
        };
        let times = if call.is_in_transaction { IN_TRANSACTION } else { 1.0 };
        usage.add(Meter::DynamoDbWrite, count * write * times);
        Ok(())
    }

    /// Of one write, at the size that the row has in the end: AWS counts the larger of the sizes before and after.
    fn write_units(&self, table: Table) -> f64 {
        let index = if table == Table::Applications { INDEX_WRITES * units(self.index_bytes, 1) } else { 0.0 };
        units(self.bytes_in(table), 1) + index
    }

    fn bytes_in(&self, table: Table) -> u64 {
        match table {
            Table::Applications => self.row_bytes,
            Table::Submissions => self.submission_bytes,
            Table::Decisions => self.decision_bytes,
            Table::Customers => self.customer_bytes,
            Table::FaceMetadata => self.face_bytes,
            Table::FaceRequests => self.note_bytes,
        }
    }

    fn meter_lambda(&self, usage: &mut Usage, on: &Deployment, assumed: &Assumed) -> Result<(), Unpriced> {
        for (worker, runs) in &self.invocations {
            let memory = on.memory_megabytes.get(worker).ok_or_else(|| Unpriced(format!("a run of {worker}")))?;
            let mut milliseconds = number(*runs) * run_milliseconds(worker, assumed)?;
            if worker == AGENT {
                for execution in &self.express {
                    milliseconds += execution.milliseconds(assumed)?;
                }
            }
            usage.add(Meter::LambdaRequest, number(*runs));
            usage.add(on.lambda_second(), memory / 1024.0 * milliseconds / 1000.0);
            if worker == AGENT || on.queue_fed.contains(worker) {
                // A machine hands its own trace on; who is called by a queue or an agent begins one, and Lambda takes at least one a second.
                usage.add(Meter::Trace, number(*runs));
            }
        }
        Ok(())
    }

    fn meter_express(&self, usage: &mut Usage, assumed: &Assumed) -> Result<(), Unpriced> {
        for execution in &self.express {
            let milliseconds = (execution.milliseconds(assumed)? / EXPRESS_MILLISECONDS).ceil() * EXPRESS_MILLISECONDS;
            let megabytes = assumed.express_megabytes.value + number(execution.bytes) / MEGABYTE;
            let megabytes = (megabytes / EXPRESS_MEGABYTES).ceil() * EXPRESS_MEGABYTES;
            usage.add(Meter::ExpressRequest, 1.0);
            usage.add(Meter::ExpressGigabyteHour, megabytes / 1024.0 * milliseconds / 3_600_000.0);
        }
        Ok(())
    }

    fn meter_queues(&self, usage: &mut Usage, mut sent: f64, on: &Deployment) {
        sent += number(self.objects.iter().map(|object| u64::from(object.is_announced)).sum());
        let runs = self.invocations.iter().filter(|(worker, _)| on.queue_fed.contains(*worker));
        let received = number(runs.map(|(_, runs)| runs).sum());
        // Each is below 64 KB, and is received and deleted.
        usage.add(Meter::SqsRequest, sent + 2.0 * received);
    }

    fn meter_storage(&self, usage: &mut Usage, on: &Deployment) -> Result<(), Unpriced> {
        for Object { key, bytes, is_upload, .. } in &self.objects {
            let days = on.object_days.iter().find(|(prefix, _)| key.starts_with(*prefix)).map(|(_, days)| days);
            let days = days.ok_or_else(|| {
                Unpriced(format!("keeping an object below {}", key.split('/').next().unwrap_or_default()))
            })?;
            usage.add(Meter::S3GigabyteMonth, number(*bytes) / GIGABYTE * days / DAYS_PER_MONTH);
            if *is_upload {
                usage.add(Meter::S3Put, 1.0);
            }
        }
        let months = on.record_days / DAYS_PER_MONTH;
        // Decisions are never deleted; what they cost afterwards is too little to be seen.
        let rows = [
            self.row_bytes,
            self.index_bytes,
            self.customer_bytes,
            self.submission_bytes,
            self.submission_index_bytes,
            self.decision_bytes,
        ];
        let bytes: f64 = rows.into_iter().filter(|bytes| *bytes > 0).map(|bytes| number(bytes) + ROW_OVERHEAD).sum();
        usage.add(Meter::DynamoDbGigabyteMonth, bytes / GIGABYTE * months);
        if self.note_bytes > 0 {
            let bytes = number(self.note_bytes) + ROW_OVERHEAD;
            usage.add(Meter::DynamoDbGigabyteMonth, bytes / GIGABYTE * NOTE_DAYS / DAYS_PER_MONTH);
        }
        usage.add(Meter::FaceMonth, number(self.faces) * months);
        Ok(())
    }

    fn meter_logs(&self, usage: &mut Usage, on: &Deployment, assumed: &Assumed) {
        let runs: u64 = self.invocations.values().sum();
        let bytes = number(self.log_bytes)
            + number(self.log_lines) * assumed.log_bytes_per_line.value
            + number(runs) * assumed.log_bytes_per_invocation.value
            + number(self.api_requests) * (assumed.log_bytes_per_api_request.value + assumed.log_bytes_per_line.value)
            + number(self.history_events)
                * (assumed.log_bytes_per_history_event.value + assumed.log_bytes_per_line.value);
        usage.add(Meter::LogsGigabyte, bytes / GIGABYTE);
        let kept = bytes / GIGABYTE * assumed.log_compression.value;
        usage.add(Meter::LogsGigabyteMonth, kept * on.log_days / DAYS_PER_MONTH);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::prices::PriceList;

    fn deployment() -> Deployment {
        Deployment {
            memory_megabytes: [("starter", 256.0), ("unpack-package", 512.0)]
                .map(|(name, size)| (name.to_owned(), size))
                .into(),
            queue_fed: BTreeSet::from(["starter".to_owned()]),
            object_days: [("zipped/".to_owned(), 60.0)].into(),
            record_days: 365.25,
            log_days: 365.25,
            is_measured: true,
            ..Deployment::default()
        }
    }

    fn usage(facts: &Facts) -> Usage {
        let list = PriceList::included().expect("the included list");
        facts.usage(&deployment(), &list.assumed).expect("known calls")
    }

    #[track_caller]
    fn is(usage: &Usage, meter: Meter, units: f64) {
        let found = usage.of(meter);
        assert!((found - units).abs() < 1e-9, "{meter:?}: {found} instead of {units}");
    }

    fn worker(action: &str, table: Option<Table>) -> WorkerCall {
        WorkerCall { worker: "unpack-package".to_owned(), action: action.to_owned(), table, is_in_transaction: false }
    }

    #[test]
    fn counts_pictures_by_the_group_of_the_operation() {
        let calls = [
            ("rekognition:detectFaces", 2),
            ("rekognition:compareFaces", 1),
            ("rekognition:indexFaces", 1),
            ("rekognition:deleteFaces", 1),
            ("rekognition:searchFaces", 1),
        ];
        let usage = usage(&Facts {
            machine_calls: calls.map(|(call, count)| (call.to_owned(), count)).into(),
            ..Facts::default()
        });
        is(&usage, Meter::RekognitionGroup2, 2.0);
        is(&usage, Meter::RekognitionGroup1, 3.0);
        is(&usage, Meter::S3Get, 5.0);
    }

    #[test]
    fn counts_request_units_by_the_size_of_the_row() {
        let facts = Facts {
            row_bytes: 2_500,
            index_bytes: 300,
            customer_bytes: 900,
            machine_calls: [("dynamodb:updateItem".to_owned(), 2), ("dynamodb:getItem".to_owned(), 1)].into(),
            worker_calls: vec![
                (worker("dynamodb:PutItem", Some(Table::Customers)), 1),
                (worker("dynamodb:GetItem", Some(Table::Applications)), 3),
            ],
            ..Facts::default()
        };
        let usage = usage(&facts);
        // Two writes of 3 KB, each with two of the index; one of the customer.
        is(&usage, Meter::DynamoDbWrite, 2.0 * (3.0 + 2.0) + 1.0);
        // 2.5 KB are one unit of 4 KB.
        is(&usage, Meter::DynamoDbRead, 4.0);
        // Three rows, 100 bytes more each, for twelve months.
        is(&usage, Meter::DynamoDbGigabyteMonth, (2_500.0 + 300.0 + 900.0 + 300.0) / 1_073_741_824.0 * 12.0);
    }

    #[test]
    fn a_submission_is_written_and_concluded_in_transactions() {
        let starter = |action: &str, table, is_in_transaction| WorkerCall {
            worker: STARTER.to_owned(),
            is_in_transaction,
            ..worker(action, table)
        };
        let conclude = |action: &str, table| WorkerCall { is_in_transaction: true, ..worker(action, Some(table)) };
        let usage = usage(&Facts {
            row_bytes: 2_500,
            index_bytes: 300,
            submission_bytes: 3_500,
            submission_index_bytes: 300,
            decision_bytes: 1_500,
            customer_bytes: 500,
            machine_calls: [("dynamodb:updateItem (submissions)".to_owned(), 4)].into(),
            worker_calls: vec![
                (starter("dynamodb:UpdateItem", Some(Table::Applications), true), 1),
                (starter("dynamodb:PutItem", Some(Table::Submissions), true), 1),
                (starter("dynamodb:UpdateItem", Some(Table::Submissions), false), 1),
                (starter("s3:GetObjectVersion", None, false), 1),
                (starter("s3:PutObject", None, false), 1),
                (worker("dynamodb:Query", Some(Table::Decisions)), 1),
                (conclude("dynamodb:UpdateItem", Table::Applications), 1),
                (conclude("dynamodb:UpdateItem", Table::Submissions), 1),
                (conclude("dynamodb:PutItem", Table::Decisions), 1),
                (conclude("dynamodb:PutItem", Table::Customers), 1),
            ],
            ..Facts::default()
        });
        let (row, submission, decision, customer) = (3.0 + 2.0, 4.0, 2.0, 1.0);
        // The submission enters its index, and is moved there.
        let accepted = 2.0 * (row + submission + 1.0) + submission;
        let concluded = 2.0 * (row + submission + 2.0 + decision + customer);
        is(&usage, Meter::DynamoDbWrite, 4.0 * submission + accepted + concluded);
        is(&usage, Meter::DynamoDbRead, 1.0);
        is(&usage, Meter::S3Put, 1.0);
        is(&usage, Meter::S3Get, 0.0);
        // Six rows and entries, 100 bytes more each, for twelve months.
        is(&usage, Meter::DynamoDbGigabyteMonth, (8_600.0 + 600.0) / 1_073_741_824.0 * 12.0);
    }

    #[test]
    fn begins_a_unit_with_the_first_byte_of_each_kilobyte() {
        for (bytes, count) in [(0, 1.0), (1, 1.0), (1_024, 1.0), (1_025, 2.0)] {
            assert!((units(bytes, 1) - count).abs() < 1e-9, "{bytes} bytes");
        }
    }

    #[test]
    fn counts_messages_from_sending_to_deletion() {
        let facts = Facts {
            objects: vec![Object {
                key: "zipped/a.zip".to_owned(),
                bytes: 1 << 20,
                is_upload: true,
                is_announced: true,
            }],
            machine_calls: [("sns:publish".to_owned(), 1), ("sqs:sendMessage".to_owned(), 2)].into(),
            invocations: [("starter".to_owned(), 3), ("unpack-package".to_owned(), 1)].into(),
            ..Facts::default()
        };
        let usage = usage(&facts);
        // S3, SNS and the machine send 4; starter is run by 3 of them, each received and deleted.
        is(&usage, Meter::SqsRequest, 4.0 + 6.0);
        is(&usage, Meter::SnsPublish, 1.0);
        is(&usage, Meter::S3Put, 1.0);
        is(&usage, Meter::Trace, 3.0);
        // 1 MiB for 60 days.
        is(&usage, Meter::S3GigabyteMonth, 1.0 / 1024.0 * 60.0 / DAYS_PER_MONTH);
        // 3 × 256 MB × 600 ms + 512 MB × 1500 ms
        is(&usage, Meter::LambdaSecondX86, 3.0 * 0.25 * 0.6 + 0.5 * 1.5);
        is(&usage, Meter::LambdaRequest, 4.0);
    }

    #[test]
    fn counts_logs_by_bytes_and_lines() {
        let facts = Facts {
            log_bytes: 1_000,
            log_lines: 10,
            history_events: 2,
            invocations: [("starter".to_owned(), 1)].into(),
            ..Facts::default()
        };
        // 1000 + 10 × 26 + 900 + 2 × (700 + 26)
        let bytes = 3_612.0 / 1_073_741_824.0;
        is(&usage(&facts), Meter::LogsGigabyte, bytes);
        is(&usage(&facts), Meter::LogsGigabyteMonth, bytes * 0.15 * 12.0);
    }

    /// The conversation `denmark`, as it is counted: consent, upload, and the three steps of the machine.
    fn registration() -> Facts {
        let runs = |worker: &str| BTreeMap::from([(worker.to_owned(), 1)]);
        let by = |worker: &str, action: &str| WorkerCall {
            worker: worker.to_owned(),
            action: action.to_owned(),
            table: action.starts_with("dynamodb:").then_some(Table::Applications),
            is_in_transaction: false,
        };
        Facts {
            express: vec![
                Express { runs: runs("extract-identity"), calls: 2, bytes: 60_000 },
                Express { runs: runs("verify-identity"), calls: 3, bytes: 60_000 },
                Express { runs: BTreeMap::new(), calls: 6, bytes: 60_000 },
            ],
            machine_calls: [
                ("lambda:invoke", 2),
                ("dynamodb:updateItem", 6),
                ("dynamodb:getItem", 2),
                ("dynamodb:getItem (customers)", 1),
                ("dynamodb:putItem (customers)", 1),
                ("sns:publish", 1),
            ]
            .map(|(call, count)| (call.to_owned(), count))
            .into(),
            worker_calls: vec![
                (by(AGENT, "s3:PutObject"), 1),
                (by(AGENT, "states:StartSyncExecution"), 3),
                (by("extract-identity", "s3:GetObject"), 1),
                (by("extract-identity", "textract:DetectDocumentText"), 1),
                (by("measure-outcome", "dynamodb:GetItem"), 1),
            ],
            invocations: [(AGENT, 5), ("extract-identity", 1), ("verify-identity", 1), ("measure-outcome", 1)]
                .map(|(worker, runs)| (worker.to_owned(), runs))
                .into(),
            row_bytes: 1_100,
            index_bytes: 300,
            customer_bytes: 300,
            objects: vec![Object {
                key: "onboard/DK/x".to_owned(),
                bytes: 1 << 20,
                is_upload: true,
                is_announced: false,
            }],
            ..Facts::default()
        }
    }

    #[test]
    fn prices_a_registration_in_a_conversation_by_hand() {
        let list = PriceList::included().expect("the included list");
        let mut deployment = deployment();
        for worker in [AGENT, "extract-identity", "verify-identity", "measure-outcome"] {
            deployment.memory_megabytes.insert(worker.to_owned(), 256.0);
        }
        deployment.queue_fed.insert("measure-outcome".to_owned());
        deployment.object_days.insert("onboard/".to_owned(), 30.4375);
        let usage = registration().usage(&deployment, &list.assumed).expect("known calls");
        is(&usage, Meter::DetectTextPage, 1.0);
        is(&usage, Meter::StateTransition, 0.0);
        is(&usage, Meter::ExpressRequest, 3.0);
        // 2,000 + 2 × 50 = 2,100 ms; 500 + 3 × 50 = 650, billed as 700; 6 × 50 = 300; each with 64 MB.
        is(&usage, Meter::ExpressGigabyteHour, (2.1 + 0.7 + 0.3) / 16.0 / 3_600.0);
        // The agent's function: 5 × 50 ms and 2,100 + 650 + 300 of waiting; then the three others.
        is(&usage, Meter::LambdaSecondX86, 0.25 * (0.25 + 3.05 + 2.0 + 0.5 + 0.1));
        is(&usage, Meter::LambdaRequest, 8.0);
        // Six writes of 2 KB and two of the index; the customer.
        is(&usage, Meter::DynamoDbWrite, 6.0 * 4.0 + 1.0);
        is(&usage, Meter::DynamoDbRead, 4.0);
        is(&usage, Meter::SnsPublish, 1.0);
        // The notification's message, sent, received and deleted; no queue hears of the upload.
        is(&usage, Meter::SqsRequest, 3.0);
        is(&usage, Meter::S3Put, 1.0);
        is(&usage, Meter::S3Get, 1.0);
        is(&usage, Meter::Trace, 6.0);
        let costs = usage.at_first_prices(&list);
        let by_hand = [
            ("Textract", 0.0015),
            // 3 × 0.000001 + 3.1 s / 16 / 3,600 × 0.06
            ("Step Functions", 0.000_003 + 0.000_003_229_166_667),
            // 8 × 0.0000002 + 1.475 × 0.0000166667
            ("Lambda", 0.000_001_6 + 0.000_024_583_383),
            ("S3", 0.000_005 + 0.000_000_4 + 0.023 / 1024.0),
            ("SNS", 0.000_000_5),
            ("SQS", 0.000_001_2),
            ("X-Ray", 0.000_03),
        ];
        for (service, usd) in by_hand {
            assert!((costs.of(service) - usd).abs() < 1e-10, "{service}: {} instead of {usd}", costs.of(service));
        }
    }

    #[test]
    fn rounds_express_executions_up_as_aws_does() {
        let list = PriceList::included().expect("the included list");
        let megabytes = |bytes: u64| {
            let express = vec![Express { runs: BTreeMap::new(), calls: 2, bytes }];
            let usage = usage(&Facts { express, ..Facts::default() });
            // 100 ms
            usage.of(Meter::ExpressGigabyteHour) * 36_000.0 * 1024.0
        };
        // 50 MB are AWS's own: 14 more are still 64.
        for (bytes, billed) in [(0, 64.0), (14 << 20, 64.0), ((14 << 20) + 1, 128.0)] {
            assert!((megabytes(bytes) - billed).abs() < 1e-6, "{bytes} bytes: {}", megabytes(bytes));
        }
        let unknown = Express { runs: BTreeMap::from([("nobody".to_owned(), 1)]), calls: 0, bytes: 0 };
        assert!(Facts { express: vec![unknown], ..Facts::default() }.usage(&deployment(), &list.assumed).is_err());
    }

    #[test]
    fn charges_a_customer_that_is_there_already() {
        let calls = [("dynamodb:putItem (customers)", 1), ("dynamodb:getItem (customers)", 1)];
        let usage = usage(&Facts {
            row_bytes: 9_000,
            machine_calls: calls.map(|(call, count)| (call.to_owned(), count)).into(),
            ..Facts::default()
        });
        // The refused write and the read of it are of one unit each, whatever the row's size.
        is(&usage, Meter::DynamoDbWrite, 1.0);
        is(&usage, Meter::DynamoDbRead, 1.0);
    }

    #[test]
    fn prices_a_registration_by_the_face_api_by_hand() {
        let list = PriceList::included().expect("the included list");
        let mut deployment = deployment();
        deployment.memory_megabytes.insert("register-face".to_owned(), 512.0);
        let call = |action: &str, table| WorkerCall { worker: "register-face".to_owned(), ..worker(action, table) };
        let facts = Facts {
            api_requests: 1,
            worker_calls: vec![
                (call("rekognition:DetectFaces", None), 1),
                (call("rekognition:SearchFacesByImage", None), 2),
                (call("rekognition:IndexFaces", None), 1),
                (call("s3:PutObject", None), 1),
                (call("s3:GetObjectVersion", None), 2),
                (call("dynamodb:PutItem", Some(Table::FaceMetadata)), 1),
                (call("dynamodb:UpdateItem", Some(Table::FaceMetadata)), 1),
                (call("dynamodb:PutItem", Some(Table::FaceRequests)), 1),
                (call("dynamodb:UpdateItem", Some(Table::FaceRequests)), 1),
            ],
            invocations: [("register-face".to_owned(), 1)].into(),
            face_bytes: 700,
            note_bytes: 1_100,
            ..Facts::default()
        };
        let usage = facts.usage(&deployment, &list.assumed).expect("known calls");
        is(&usage, Meter::ApiRequest, 1.0);
        is(&usage, Meter::Trace, 1.0);
        is(&usage, Meter::RekognitionGroup1, 3.0);
        is(&usage, Meter::RekognitionGroup2, 1.0);
        is(&usage, Meter::S3Put, 1.0);
        is(&usage, Meter::S3Get, 2.0);
        // The record and one index; the record and two indexes; the note of 2 KB twice.
        is(&usage, Meter::DynamoDbWrite, 2.0 + 3.0 + 2.0 * 2.0);
        // Only the note, for a day: the face is kept for as long as it is wanted.
        is(&usage, Meter::DynamoDbGigabyteMonth, 1_200.0 / 1_073_741_824.0 / (365.25 / 12.0));
        is(&usage, Meter::FaceMonth, 0.0);
        is(&usage, Meter::LambdaSecondX86, 0.5 * 2.0);
        // 900 by Lambda, 400 + 26 of the access log.
        is(&usage, Meter::LogsGigabyte, 1_326.0 / 1_073_741_824.0);
        // 4 × 0.001; 0.0000035
        let costs = usage.at_first_prices(&list);
        assert!((costs.of("Rekognition") - 0.004).abs() < 1e-12);
        assert!((costs.of("API Gateway") - 0.000_003_5).abs() < 1e-12);
    }

    #[test]
    fn reads_an_index_for_half_the_price_and_deletes_from_it() {
        let usage = usage(&Facts {
            worker_calls: vec![
                (worker("dynamodb:Query", Some(Table::FaceMetadata)), 1),
                (worker("dynamodb:GetItem", Some(Table::FaceMetadata)), 1),
                (worker("dynamodb:DeleteItem", Some(Table::FaceMetadata)), 1),
                (worker("s3:ListBucketVersions", None), 1),
                (worker("s3:DeleteObjectVersion", None), 1),
                (worker("rekognition:DeleteFaces", None), 1),
            ],
            ..Facts::default()
        });
        is(&usage, Meter::DynamoDbRead, 1.5);
        is(&usage, Meter::DynamoDbWrite, 2.0);
        is(&usage, Meter::S3Put, 1.0);
        is(&usage, Meter::RekognitionGroup1, 0.0);
    }

    #[test]
    fn keeps_a_face_with_its_picture_and_its_record() {
        let kept = KeptFace { picture_bytes: 1 << 20, record_bytes: 500, index_bytes: 300 };
        is(&kept.month(), Meter::FaceMonth, 1.0);
        is(&kept.month(), Meter::S3GigabyteMonth, 1.0 / 1024.0);
        // 100 bytes more for each of the two.
        is(&kept.month(), Meter::DynamoDbGigabyteMonth, 1_000.0 / 1_073_741_824.0);
    }

    #[test]
    fn keeps_faces_as_long_as_rows() {
        is(&usage(&Facts { faces: 1, ..Facts::default() }), Meter::FaceMonth, 12.0);
    }

    #[test]
    fn refuses_to_price_what_it_does_not_know() {
        let list = PriceList::included().expect("the included list");
        let price = |facts: Facts| facts.usage(&deployment(), &list.assumed);
        let machine = Facts { machine_calls: [("bedrock:invokeModel".to_owned(), 1)].into(), ..Facts::default() };
        assert_eq!(price(machine), Err(Unpriced("bedrock:invokeModel".to_owned())));
        let by_worker =
            Facts { worker_calls: vec![(worker("dynamodb:Scan", Some(Table::Applications)), 1)], ..Facts::default() };
        assert!(price(by_worker).is_err());
        for (action, table) in [
            ("dynamodb:GetItem", None),
            ("dynamodb:DeleteItem", Some(Table::Customers)),
            ("dynamodb:UpdateItem", Some(Table::Decisions)),
        ] {
            let facts = Facts { worker_calls: vec![(worker(action, table), 1)], ..Facts::default() };
            assert!(price(facts).is_err(), "{action} on {table:?}");
        }
        assert!(price(Facts { invocations: [("nobody".to_owned(), 1)].into(), ..Facts::default() }).is_err());
        let object = Object { key: "elsewhere/x".to_owned(), bytes: 1, is_upload: false, is_announced: false };
        assert!(price(Facts { objects: vec![object], ..Facts::default() }).is_err());
    }
}
