//! The log format: one JSON object per line, with members from a fixed list.

use std::fmt;

use lambda_runtime::tracing::subscriber::{
    Layer as _,
    filter::Targets,
    fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields, MakeWriter, format::JsonFields, format::Writer},
    layer::SubscriberExt as _,
    registry::{LookupSpan, Scope},
    util::SubscriberInitExt as _,
};
use serde_json::{Map, Value};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};

use crate::clock;

/// The allowed members. Others are not written, because more people can read the logs than the tables.
pub(crate) const MEMBERS: [&str; 18] = [
    "timestamp",
    "level",
    "message",
    "target",
    "worker",
    "requestId",
    "xrayTraceId",
    "message.id",
    "application.id",
    "face.id",
    "execution",
    "check",
    "outcome",
    "reason",
    "answered",
    "error.name",
    "error.code",
    "error.message",
];

/// Logs to standard output, which Lambda sends to `CloudWatch` Logs.
///
/// `AWS_LAMBDA_LOG_FORMAT` is ignored, and the level is fixed: at `debug` the SDK would print the requests with applicants' data.
pub(crate) fn init(worker: &'static str) {
    subscriber(worker, std::io::stdout).init();
    std::panic::set_hook(Box::new(|panic| {
        // Only the location: the message of a panic may quote data.
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(error.name = "Bonafide.Internal", error.code = "Panic", "the worker panicked at {location}");
    }));
}

fn subscriber(
    worker: &'static str,
    writer: impl for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
) -> impl Subscriber + Send + Sync {
    let own = worker.replace('-', "_");
    let targets = Targets::new()
        .with_default(LevelFilter::WARN)
        // The runtime's span contains the id of the request.
        .with_target("lambda_runtime", LevelFilter::INFO)
        // It would log each error a second time, with the message of a panic.
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF)
        .with_target("bonafide_worker", LevelFilter::INFO)
        .with_target(&own, LevelFilter::INFO);
    let lines = lambda_runtime::tracing::subscriber::fmt::layer()
        .fmt_fields(JsonFields::new())
        .event_format(Lines { own })
        .with_writer(writer);
    lambda_runtime::tracing::subscriber::registry().with(lines.with_filter(targets))
}

/// Writes the fields of the spans, the outermost first, and then those of the event.
struct Lines {
    /// The crate of the worker.
    own: String,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = Line(Map::new());
        line.insert("timestamp", clock::now());
        line.insert("level", event.metadata().level().to_string());
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<N>>().map(|fields| fields.fields.as_str());
            if let Some(Ok(fields)) = fields.map(serde_json::from_str::<Map<String, Value>>) {
                for (name, value) in fields {
                    line.insert(&name, value);
                }
            }
        }
        let target = event.metadata().target();
        if !target.starts_with("bonafide_worker") && !target.starts_with(&self.own) {
            line.insert("target", target);
        }
        event.record(&mut line);
        writeln!(writer, "{}", Value::Object(line.0))
    }
}

struct Line(Map<String, Value>);

impl Line {
    fn insert(&mut self, name: &str, value: impl Into<Value>) {
        if MEMBERS.contains(&name) {
            self.0.insert(name.to_owned(), value.into());
        }
    }
}

impl Visit for Line {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field.name(), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field.name(), value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.insert(field.name(), format!("{value:?}"));
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{
        io::{self, Write},
        sync::{Arc, Mutex},
    };

    use super::*;

    /// Collects the log.
    #[derive(Clone, Default)]
    pub(crate) struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("the memory").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Memory {
        /// Logs into this memory until the guard is dropped.
        pub(crate) fn capture(&self) -> tracing::subscriber::DefaultGuard {
            let memory = self.clone();
            tracing::subscriber::set_default(subscriber("match-details", move || memory.clone()))
        }

        pub(crate) fn lines(&self) -> Vec<Map<String, Value>> {
            let text = String::from_utf8(self.0.lock().expect("the memory").clone()).expect("text");
            text.lines().map(|line| serde_json::from_str(line).expect("a JSON object")).collect()
        }
    }

    #[test]
    fn a_line_is_flat_and_has_the_fields_of_its_spans() {
        let memory = Memory::default();
        let _guard = memory.capture();
        let span = tracing::info_span!("task", worker = "match-details", application.id = tracing::field::Empty);
        span.record("application.id", "8d247914");
        span.in_scope(|| tracing::error!(error.name = "Bonafide.Internal", answered = false, "the task failed"));
        let lines = memory.lines();
        assert_eq!(lines.len(), 1);
        assert_eq!(
            Value::Object(lines[0].clone()),
            serde_json::json!({
                "timestamp": lines[0]["timestamp"], "level": "ERROR", "message": "the task failed",
                "worker": "match-details", "application.id": "8d247914", "error.name": "Bonafide.Internal", "answered": false,
            })
        );
    }

    #[test]
    fn the_documentation_lists_the_same_members() {
        let page = include_str!("../../../docs/reference/logs.md");
        let cells = page.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
        let mut documented: Vec<_> =
            cells.flat_map(|cell| cell.split(", ")).map(|name| name.trim_matches('`')).collect();
        let mut members = MEMBERS;
        documented.sort_unstable();
        members.sort_unstable();
        assert_eq!(documented, members);
    }

    #[test]
    fn members_outside_the_list_are_not_written() {
        let memory = Memory::default();
        let _guard = memory.capture();
        tracing::warn!(name = "Jane Doe", details = ?vec!["Jane Doe"], "a line");
        let lines = memory.lines();
        assert_eq!(lines[0]["message"], "a line");
        assert!(!format!("{lines:?}").contains("Jane"), "{lines:?}");
    }

    #[test]
    fn libraries_are_logged_from_warning_on() {
        let memory = Memory::default();
        let _guard = memory.capture();
        tracing::info!(target: "aws_smithy_runtime", "a request");
        tracing::debug!(target: "match_details", "a request");
        tracing::warn!(target: "aws_smithy_runtime", "no credentials");
        tracing::info!(target: "match_details", "a step");
        let logged: Vec<_> =
            memory.lines().into_iter().map(|line| (line.get("target").cloned(), line["message"].clone())).collect();
        assert_eq!(logged, [(Some("aws_smithy_runtime".into()), "no credentials".into()), (None, "a step".into())]);
    }
}
