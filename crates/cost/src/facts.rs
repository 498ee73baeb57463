//! What was recorded of one application, and how AWS meters it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bill::Usage;
use crate::deployment::Deployment;
use crate::prices::{Assumed, Meter};

/// Write requests to the index `byStatus` per write to the table: `updatedAt` is its sort key, so every write moves the entry.
const INDEX_WRITES: f64 = 2.0;
/// `DynamoDB` adds this to each row, and again to each entry of an index. In bytes.
const ROW_OVERHEAD: f64 = 100.0;
const DAYS_PER_MONTH: f64 = 365.25 / 12.0;
const GIGABYTE: f64 = 1_073_741_824.0;

/// A call that a worker made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkerCall {
    /// Its crate's name.
    pub worker: String,
    /// As policies spell it: `s3:PutObject`.
    pub action: String,
    /// To the table of customers instead of that of applications.
    pub on_customers: bool,
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
}

/// Everything that one application left behind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// States entered and tasks tried again, in all its executions.
    pub transitions: u64,
    /// Events in the histories of its executions.
    pub history_events: u64,
    /// Calls of the machines: `rekognition:detectFaces`.
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
    /// In the bucket.
    pub objects: Vec<Object>,
    /// Of the workers' own lines.
    pub log_bytes: u64,
    /// Lines of the workers.
    pub log_lines: u64,
    /// Faces left in the collection.
    pub faces: u64,
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
        self.meter_queues(&mut usage, messages, deployment);
        self.meter_storage(&mut usage, deployment)?;
        self.meter_logs(&mut usage, deployment, assumed);
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
            "dynamodb:updateItem" => usage.add(Meter::DynamoDbWrite, count * self.write_units(false)),
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
            "s3:GetObject" | "s3:GetObjectVersion" => usage.add(Meter::S3Get, count),
            "s3:PutObject" => usage.add(Meter::S3Put, count),
            "dynamodb:GetItem" => {
                let bytes = if call.on_customers { self.customer_bytes } else { self.row_bytes };
                usage.add(Meter::DynamoDbRead, count * units(bytes, 4));
            }
            "dynamodb:UpdateItem" | "dynamodb:PutItem" => {
                usage.add(Meter::DynamoDbWrite, count * self.write_units(call.on_customers));
            }
            "secretsmanager:GetSecretValue" => usage.add(Meter::SecretRequest, count),
            "sns:Publish" => {
                usage.add(Meter::SnsPublish, count);
                return Ok(if on.is_measured { count } else { 0.0 });
            }
            // Pages are counted apart; answers to machines and starts of executions are free by themselves; what Lambda does with
            // queues is counted by messages, and logs by bytes.
            "textract:AnalyzeID"
            | "states:StartExecution"
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

    /// Of one write, at the size that the row has in the end: AWS counts the larger of the sizes before and after.
    fn write_units(&self, on_customers: bool) -> f64 {
        if on_customers {
            units(self.customer_bytes, 1)
        } else {
            units(self.row_bytes, 1) + INDEX_WRITES * units(self.index_bytes, 1)
        }
    }

    fn meter_lambda(&self, usage: &mut Usage, on: &Deployment, assumed: &Assumed) -> Result<(), Unpriced> {
        let second = if on.is_arm { Meter::LambdaSecondArm } else { Meter::LambdaSecondX86 };
        for (worker, runs) in &self.invocations {
            let unpriced = || Unpriced(format!("a run of {worker}"));
            let memory = on.memory_megabytes.get(worker).ok_or_else(unpriced)?;
            let milliseconds = assumed.lambda_milliseconds.get(worker).ok_or_else(unpriced)?.value;
            usage.add(Meter::LambdaRequest, number(*runs));
            usage.add(second, number(*runs) * memory / 1024.0 * milliseconds / 1000.0);
            if on.queue_fed.contains(worker) {
                // A machine hands its own trace on; a queue's consumer begins one, and Lambda takes at least one a second.
                usage.add(Meter::Trace, number(*runs));
            }
        }
        Ok(())
    }

    fn meter_queues(&self, usage: &mut Usage, mut sent: f64, on: &Deployment) {
        // S3 sends one for each upload.
        sent += number(self.objects.iter().map(|object| u64::from(object.is_upload)).sum());
        let runs = self.invocations.iter().filter(|(worker, _)| on.queue_fed.contains(*worker));
        let received = number(runs.map(|(_, runs)| runs).sum());
        // Each is below 64 KB, and is received and deleted.
        usage.add(Meter::SqsRequest, sent + 2.0 * received);
    }

    fn meter_storage(&self, usage: &mut Usage, on: &Deployment) -> Result<(), Unpriced> {
        for Object { key, bytes, is_upload } in &self.objects {
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
        let rows = [self.row_bytes, self.index_bytes, self.customer_bytes].into_iter().filter(|bytes| *bytes > 0);
        let bytes: f64 = rows.map(|bytes| number(bytes) + ROW_OVERHEAD).sum();
        usage.add(Meter::DynamoDbGigabyteMonth, bytes / GIGABYTE * months);
        usage.add(Meter::FaceMonth, number(self.faces) * months);
        Ok(())
    }

    fn meter_logs(&self, usage: &mut Usage, on: &Deployment, assumed: &Assumed) {
        let runs: u64 = self.invocations.values().sum();
        let bytes = number(self.log_bytes)
            + number(self.log_lines) * assumed.log_bytes_per_line.value
            + number(runs) * assumed.log_bytes_per_invocation.value
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

    fn worker(action: &str, on_customers: bool) -> WorkerCall {
        WorkerCall { worker: "starter".to_owned(), action: action.to_owned(), on_customers }
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
            worker_calls: vec![(worker("dynamodb:PutItem", true), 1), (worker("dynamodb:GetItem", false), 3)],
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
    fn begins_a_unit_with_the_first_byte_of_each_kilobyte() {
        for (bytes, count) in [(0, 1.0), (1, 1.0), (1_024, 1.0), (1_025, 2.0)] {
            assert!((units(bytes, 1) - count).abs() < 1e-9, "{bytes} bytes");
        }
    }

    #[test]
    fn counts_messages_from_sending_to_deletion() {
        let facts = Facts {
            objects: vec![Object { key: "zipped/a.zip".to_owned(), bytes: 1 << 20, is_upload: true }],
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
        let by_worker = Facts { worker_calls: vec![(worker("dynamodb:Scan", false), 1)], ..Facts::default() };
        assert!(price(by_worker).is_err());
        assert!(price(Facts { invocations: [("nobody".to_owned(), 1)].into(), ..Facts::default() }).is_err());
        let object = Object { key: "elsewhere/x".to_owned(), bytes: 1, is_upload: false };
        assert!(price(Facts { objects: vec![object], ..Facts::default() }).is_err());
    }
}
