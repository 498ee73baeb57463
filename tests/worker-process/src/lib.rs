//! Runs a worker's real binary as Lambda does: over the Runtime API, with every AWS service simulated by the test.
//!
//! It shows what a unit test cannot: the answers of the process, and everything that it prints.
#![expect(clippy::missing_panics_doc, reason = "a test may panic")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Map, Value};

/// From one look at whether the worker still runs to the next.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// The function's timeout: little more than a queue worker reserves for its last call, so that it waits for the end of throttling only
/// briefly.
const TIMEOUT: Duration = Duration::from_secs(46);

/// A call of the worker to a service, or to the licence verification service.
#[derive(Clone, Debug)]
pub struct Call {
    /// The operation of an AWS service (`DynamoDB_20120810.GetItem`), or the path.
    pub target: String,
    /// The body.
    pub body: String,
}

/// A worker that waits for events.
#[derive(Debug)]
pub struct Process {
    child: Mutex<Child>,
    events: mpsc::Sender<Value>,
    answers: mpsc::Receiver<Answer>,
    calls: Arc<Mutex<Vec<Call>>>,
}

/// The worker's answer to Lambda.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The output.
    Response(Value),
    /// The error: `errorType`, `errorMessage`.
    Error(Value),
}

/// The output and the calls of a process.
#[derive(Debug)]
pub struct Left {
    /// The lines of standard output.
    pub lines: Vec<Map<String, Value>>,
    /// Standard output and standard error.
    pub text: String,
    /// Its calls.
    pub calls: Vec<Call>,
}

struct Request {
    path: String,
    call: Call,
}

impl Process {
    /// Starts `binary` with the settings of a template; `service` gives status and body for each call.
    pub fn start(
        binary: &str,
        settings: &[(&str, &str)],
        service: impl Fn(&Call) -> (u16, String) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (events, waiting) = mpsc::channel();
        let (answered, answers) = mpsc::channel();
        let calls = Arc::<Mutex<Vec<Call>>>::default();
        let host = Arc::new(Host { waiting: Mutex::new(waiting), answered, calls: Arc::clone(&calls), service });
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let host = Arc::clone(&host);
                thread::spawn(move || host.serve(connection));
            }
        });
        let endpoint = format!("http://{address}");
        let child = Command::new(binary)
            .env_clear()
            .envs(settings.iter().map(|(name, value)| (name, value.replace("${Endpoint}", &endpoint))))
            .env("METRICS_NAMESPACE", "Bonafide/test")
            .env("CALL_INTERVAL_MILLISECONDS", "0")
            .env("AWS_ENDPOINT_URL", &endpoint)
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .envs([("AWS_LAMBDA_FUNCTION_NAME", "worker"), ("AWS_LAMBDA_FUNCTION_VERSION", "1")])
            .envs([("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"), ("AWS_REGION", "us-east-1")])
            .envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")])
            // An operator might set this; it must not make the SDK print requests.
            .env("RUST_LOG", "trace")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the worker");
        Self { child: Mutex::new(child), events, answers, calls }
    }

    /// Sends an event and waits for the answer. Panics if the worker ends before: its settings are wrong, for instance.
    #[must_use]
    pub fn invoke(&self, event: Value) -> Answer {
        self.events.send(event).expect("a running host");
        loop {
            // Looked at first: the last answer may arrive while the worker ends.
            let ended = self.child.lock().expect("the worker").try_wait().expect("the worker's state");
            match self.answers.recv_timeout(LOOK_INTERVAL) {
                Ok(answer) => return answer,
                Err(_) => assert!(ended.is_none(), "the worker has ended without an answer"),
            }
        }
    }

    /// Ends the process and reads what it has printed.
    #[must_use]
    pub fn stop(self) -> Left {
        let mut child = self.child.into_inner().expect("the worker");
        child.kill().expect("a running worker");
        let output = child.wait_with_output().expect("the worker's output");
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("not a JSON object: {line}"));
        let calls = self.calls.lock().expect("the calls").clone();
        Left { lines: stdout.lines().map(parse).collect(), text: format!("{stdout}{stderr}"), calls }
    }
}

impl Left {
    /// The lines of the log, without those of the metrics.
    #[must_use]
    pub fn log(&self) -> Vec<&Map<String, Value>> {
        self.lines.iter().filter(|line| !line.contains_key("_aws")).collect()
    }

    /// The lines of the metrics.
    #[must_use]
    pub fn metrics(&self) -> Vec<&Map<String, Value>> {
        self.lines.iter().filter(|line| line.contains_key("_aws")).collect()
    }
}

struct Host<Service> {
    waiting: Mutex<mpsc::Receiver<Value>>,
    answered: mpsc::Sender<Answer>,
    calls: Arc<Mutex<Vec<Call>>>,
    service: Service,
}

impl<Service: Fn(&Call) -> (u16, String)> Host<Service> {
    fn serve(&self, mut connection: TcpStream) {
        let Some(Request { path, call }) = read(&connection) else { return };
        let json = |body: &str| serde_json::from_str(body).unwrap_or_default();
        let (status, headers, body) = match path.strip_prefix("/2018-06-01/runtime/invocation/") {
            Some("next") => {
                // The channel closes when the test ends; then no answer is needed.
                let Ok(event) = self.waiting.lock().expect("the events").recv() else { return };
                let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + TIMEOUT;
                let headers = format!(
                    "Lambda-Runtime-Aws-Request-Id: 8476a536\r\nLambda-Runtime-Deadline-Ms: {}\r\n\
                     Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:000000000000:function:worker\r\n\
                     Lambda-Runtime-Trace-Id: Root=1-0\r\n",
                    deadline.as_millis()
                );
                (200, headers, event.to_string())
            }
            Some(action) => {
                let answer = json(&call.body);
                let answer = if action.ends_with("/error") { Answer::Error(answer) } else { Answer::Response(answer) };
                self.answered.send(answer).ok();
                (202, String::new(), "{}".to_owned())
            }
            None => {
                let (status, body) = (self.service)(&call);
                self.calls.lock().expect("the calls").push(call);
                (status, "Content-Type: application/x-amz-json-1.0\r\n".to_owned(), body)
            }
        };
        // The worker may have ended already.
        write!(
            connection,
            "HTTP/1.1 {status} Simulated\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .ok();
    }
}

fn read(connection: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(connection);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let path = first.split(' ').nth(1)?.to_owned();
    let (mut length, mut target) = (0, path.clone());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().ok()?;
        } else if name.eq_ignore_ascii_case("x-amz-target") {
            value.clone_into(&mut target);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { path, call: Call { target, body: String::from_utf8_lossy(&body).into_owned() } })
}
