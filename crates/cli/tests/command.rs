//! Tests of the binary: usage, exit codes, and errors without AWS.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::thread;

use serde_json::{Value, json};
use tempfile::tempdir;

/// Runs in its own folder, so that it finds neither the local AWS of this repository nor credentials of this machine.
fn bonafide(arguments: &[&str]) -> Output {
    bonafide_in(tempdir().unwrap().path(), arguments)
}

fn bonafide_in(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bonafide"));
    command.args(arguments).current_dir(folder).env_clear().env("HOME", folder);
    // Otherwise the SDK would ask for credentials of the instance, and wait for a time-out.
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn every_help_has_an_example_and_the_exit_codes() {
    let commands = [
        "preflight",
        "package",
        "submit",
        "status",
        "show",
        "list",
        "history",
        "replay",
        "reopen",
        "appeal",
        "watch",
        "dlq",
        "judge",
        "error-rates",
        "completions",
    ];
    let queues = ["list", "show", "redrive"].map(|command| vec!["dlq", command]);
    let all = commands.map(|command| vec![command]).into_iter().chain(queues).chain([vec![]]);
    for arguments in all {
        let output = bonafide(&[&arguments[..], &["--help"]].concat());
        let help = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success());
        assert!(help.contains("4  no outcome in time"), "{help}");
        let example = help.split_once("Example:\n").unwrap().1.lines().next().unwrap();
        assert!(example.contains(&format!("bonafide {}", arguments.join(" "))), "{example}");
    }
}

#[test]
fn wrong_usage_is_2() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("no-zip.txt"), "").unwrap();
    fs::write(folder.path().join("two words.zip"), "").unwrap();
    for (arguments, expected) in [
        (&["submit"][..], "required"),
        (&["submit", "no-zip.txt"], "its name has to end in .zip"),
        (&["submit", "two words.zip"], "an application id has 1 to 64 characters"),
        (&["submit", "missing.zip"], "missing.zip cannot be read"),
        (&["status", "no/id"], "is no application"),
        (&["package", "--id", "a", "--license", "a.png"], "required"),
        (&["package", "--id", "no/id", "--license", "a.png", "--selfie", "b.png"], "an application id has 1 to 64"),
        (&["what"], "unrecognized subcommand"),
        (&["show", "no/id"], "is no application"),
        (&["history", "no/id"], "is no application"),
        (&["replay"], "required"),
        (&["replay", "no/id"], "is no application"),
        (&["replay", "a", "--all-failed"], "cannot be used with"),
        (&["replay", "a", "--since", "1h"], "cannot be used with"),
        (&["replay", "--since", "1h"], "required"),
        (&["reopen", "a"], "--reason"),
        (&["reopen", "a", "--reason", " "], "a reason or a note has at least one word"),
        (&["reopen", "no/id", "--reason", "A twin."], "is no application"),
        (&["appeal", "a"], "--reason"),
        (&["appeal", "no/id", "--reason", "A twin."], "is no application"),
        (&["review", "note", "a/0123456789abcde-1", " "], "a reason or a note has at least one word"),
        (&["list", "--since", "yesterday"], "neither a duration"),
        (&["list", "--reason", "FACE_UGLY"], "invalid value"),
        (&["list", "--outcome", "maybe"], "possible values"),
        (&["dlq", "show", "letters"], "possible values"),
        (&["preflight"], "cdk/cdk.out/manifest.json cannot be read"),
        (&["preflight", "--app", "there"], "there/manifest.json cannot be read"),
        (&["error-rates"], "required"),
        (&["error-rates", "missing.csv"], "missing.csv cannot be read"),
        (&["error-rates", "no-zip.txt", "--from", "101"], "a similarity is a number from 0 to 100"),
        (&["error-rates", "no-zip.txt", "--step", "0"], "a step is a number from 0.01 to 100"),
        (&["error-rates", "no-zip.txt", "--from", "90", "--to", "80"], "--from is above --to"),
        (&["error-rates", "no-zip.txt"], "has to name the columns similarity and label"),
    ] {
        let output = bonafide_in(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains(expected), "{arguments:?}: {}", said(&output));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn prints_error_rates_for_people_and_programs() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("pairs.csv"), "similarity,label\n99.1,same\n81,same\n90.5,different\n3,different\n")
        .unwrap();
    let arguments = ["error-rates", "pairs.csv", "--from", "90", "--to", "91"];
    let output = bonafide_in(folder.path(), &arguments);
    assert!(output.status.success(), "{}", said(&output));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("2 pairs of two people, 2 of one\n"));
    let output = bonafide_in(folder.path(), &[&arguments[..], &["--json"]].concat());
    let lines: Vec<Value> =
        output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    let told = |line: &Value| {
        [&line["threshold"], &line["falseMatch"]["errors"], &line["falseNonMatch"]["value"]].map(Value::as_f64)
    };
    assert_eq!(
        lines.iter().map(told).collect::<Vec<_>>(),
        [[90.0, 1.0, 0.5], [91.0, 0.0, 0.5]].map(|line| line.map(Some))
    );
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x64\0\0\0\x64\x08\x02\0\0\0\0\0\0\0";

#[test]
fn makes_a_package_and_warns_when_it_was_renamed() {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("front.png"), PNG).unwrap();
    fs::write(path("selfie.png"), PNG).unwrap();
    let stated =
        ["--first-name", "JANE", "--last-name", "DOE", "--birth-date", "1957-01-12", "--address", "123 MAIN ST"];
    let more = ["--document-number", "D1", "--license", "front.png", "--selfie", "selfie.png", "--json"];
    let arguments = [&["package", "--id", "my-first"], &stated[..], &more].concat();
    let output = bonafide_in(folder.path(), &arguments);
    assert!(output.status.success(), "{}", said(&output));
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    let members = ["my-first_details.csv", "my-first_license.png", "my-first_selfie.png"];
    assert_eq!((&made["package"], &made["members"]), (&json!("my-first.zip"), &json!(members)));

    let again = bonafide_in(folder.path(), &arguments);
    assert_eq!(again.status.code(), Some(2));
    assert!(said(&again).contains("my-first.zip is there already: pass --force"), "{}", said(&again));

    fs::rename(path("my-first.zip"), path("renamed.zip")).unwrap();
    let output = bonafide_in(folder.path(), &["submit", "renamed.zip"]);
    assert!(said(&output).starts_with("warning: renamed.zip has the member"), "{}", said(&output));
    assert_eq!(output.status.code(), Some(5), "it goes on until it needs a region");
}

#[test]
fn completions_need_no_aws() {
    for shell in ["bash", "zsh", "fish"] {
        let output = bonafide(&["completions", shell]);
        assert!(output.status.success(), "{}", said(&output));
        assert!(String::from_utf8_lossy(&output.stdout).contains("reopen"));
    }
}

#[test]
fn a_missing_region_is_5() {
    let output = bonafide(&["status", "a"]);
    assert_eq!(output.status.code(), Some(5), "{}", said(&output));
    assert!(said(&output).contains("no AWS region: pass `--region`"), "{}", said(&output));
}

#[test]
fn missing_credentials_are_5() {
    let output = bonafide(&["status", "a", "--region", "eu-north-1"]);
    assert_eq!(output.status.code(), Some(5), "{}", said(&output));
    assert!(said(&output).contains("no AWS credentials: sign in"), "{}", said(&output));
}

#[test]
fn a_stopped_local_aws_is_not_used() {
    let folder = tempdir().unwrap();
    fs::create_dir_all(folder.path().join(".local")).unwrap();
    let up =
        r#"{"pid":1,"endpoint":"http://127.0.0.1:9","control":"","thirdParty":"","region":"us-east-1","stage":"dev"}"#;
    fs::write(folder.path().join(".local/up.json"), up).unwrap();
    let output = bonafide_in(folder.path(), &["status", "a"]);
    assert_eq!(output.status.code(), Some(5), "{}", said(&output));
    assert!(said(&output).contains("is no longer running"), "{}", said(&output));
    assert!(said(&output).contains("no AWS region"), "{}", said(&output));
}

/// Runs with credentials, but without a deployment.
fn with_keys(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bonafide"));
    let folder = tempdir().unwrap();
    command.args(arguments).current_dir(folder.path()).env_clear().env("HOME", folder.path());
    command.env("AWS_ACCESS_KEY_ID", "any").env("AWS_SECRET_ACCESS_KEY", "any").env("AWS_REGION", "eu-north-1");
    command.output().unwrap()
}

/// Starts an HTTP server that answers each request with the result of `answer` for its head and body. Returns its URL.
fn endpoint(answer: impl Fn(&str) -> (u16, String) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            answer_one(stream.unwrap(), &answer);
        }
    });
    format!("http://{address}")
}

fn answer_one(mut stream: TcpStream, answer: &impl Fn(&str) -> (u16, String)) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut request = String::new();
    while reader.read_line(&mut request).unwrap() > 2 {}
    let length = request.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or_default()];
    reader.read_exact(&mut body).unwrap();
    let (status, body) = answer(&(request + &String::from_utf8(body).unwrap()));
    let length = body.len();
    write!(stream, "HTTP/1.1 {status} .\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").unwrap();
}

/// The answers of a deployment whose dead-letter queues hold the events of two failed executions.
fn deployed(request: &str) -> (u16, String) {
    let queues = ["Uploads", "Extraction", "Licenses", "Failures", "Measurements"];
    let output = |queue| {
        let key = format!("{queue}DeadLetterQueueUrl");
        format!("<member><OutputKey>{key}</OutputKey><OutputValue>https://{queue}</OutputValue></member>")
    };
    let outputs = queues.map(output).concat();
    let letter = |id: &str| {
        let input = json!({"applicationId": id}).to_string();
        json!({"MessageId": id, "ReceiptHandle": id, "Body": json!({"detail": {"input": input}}).to_string()})
    };
    let answer = if request.contains("Action=DescribeStacks") {
        format!(
            "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><Outputs>{outputs}</Outputs></member></Stacks>\
             </DescribeStacksResult></DescribeStacksResponse>"
        )
    } else if request.contains("AmazonSQS.GetQueueAttributes") {
        json!({"Attributes": {"ApproximateNumberOfMessages": "2"}}).to_string()
    } else if request.contains("AmazonSQS.ReceiveMessage") {
        json!({"Messages": [letter("a"), letter("b")]}).to_string()
    } else {
        return (400, format!("what is this? {request}"));
    };
    (200, answer)
}

#[test]
fn json_is_one_object_per_line() {
    let endpoint = endpoint(deployed);
    for (arguments, code, field, expected) in [
        (&["dlq", "list"][..], 1, "queue", json!(["uploads", "extraction", "licenses", "failures", "measurements"])),
        (&["dlq", "show", "failures"], 0, "applicationIds", json!([["a"], ["b"]])),
    ] {
        let output = with_keys(&[arguments, &["--json", "--endpoint-url", &endpoint]].concat());
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let lines = String::from_utf8(output.stdout).unwrap();
        let found = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()[field].clone());
        assert_eq!(found.collect::<Value>(), expected, "{lines}");
    }
}

/// An assembly with one bucket.
fn assembly(folder: &Path) -> String {
    let bucket =
        json!({"Type": "AWS::S3::Bucket", "Properties": {"BucketName": {"Fn::Sub": "bonafide-${AWS::AccountId}"}}});
    let stack = json!({"type": "aws:cloudformation:stack", "properties": {"templateFile": "a.json"}});
    let write = |name: &str, value: Value| fs::write(folder.join(name), value.to_string()).unwrap();
    write("manifest.json", json!({"artifacts": {"Bonafide-test-Data": stack}}));
    write("a.json", json!({"Resources": {"Evidence": bucket}}));
    folder.display().to_string()
}

/// The answers of an account that has a bucket of the name, and in which the caller may do little else.
fn account_with_a_bucket(request: &str) -> (u16, String) {
    if request.contains("Action=GetCallerIdentity") {
        let identity = "<Arn>arn:aws:iam::123456789012:user/ann</Arn><Account>123456789012</Account>";
        let result = format!("<GetCallerIdentityResult>{identity}</GetCallerIdentityResult>");
        return (200, format!("<GetCallerIdentityResponse>{result}</GetCallerIdentityResponse>"));
    }
    if request.contains("Action=DescribeStacks") {
        return (400, "<ErrorResponse><Error><Code>ValidationError</Code></Error></ErrorResponse>".to_owned());
    }
    if request.starts_with("HEAD /bonafide-123456789012") {
        return (200, String::new());
    }
    (403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>".to_owned())
}

#[test]
fn preflight_is_1_when_something_blocks() {
    let folder = tempdir().unwrap();
    let arguments =
        ["preflight", "--app", &assembly(folder.path()), "--endpoint-url", &endpoint(account_with_a_bucket)];

    let output = with_keys(&[&arguments[..], &["--json"]].concat());

    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(said(&output).contains("account 123456789012, as arn:aws:iam::123456789012:user/ann"), "{}", said(&output));
    let lines = String::from_utf8(output.stdout).unwrap();
    let findings: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&findings[0]["code"], &findings[0]["severity"]), (&json!("NAME_TAKEN"), &json!("blocks")), "{lines}");
    let rest: Vec<_> = findings[1..].iter().map(|finding| finding["severity"].clone()).collect();
    assert!(!rest.is_empty() && rest.iter().all(|severity| severity == "notChecked"), "{lines}");
    assert!(lines.contains("Grant cloudformation:DescribeType to the caller"), "{lines}");

    let shown = String::from_utf8(with_keys(&arguments).stdout).unwrap();
    assert!(shown.starts_with("blocks NAME_TAKEN\n  AWS::S3::Bucket bonafide-123456789012: exists"), "{shown}");
    assert!(shown.contains("\n1 block the deployment, 0 risks, "), "{shown}");
}

/// An assembly with a log group and what a deployment with the bootstrap needs.
fn bootstrapped(folder: &Path) -> String {
    let role = |name: &str| format!("arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/{name}");
    let logs =
        json!({"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Fn::Sub": "/bonafide/${AWS::Region}"}}});
    let stack = json!({"type": "aws:cloudformation:stack", "properties": {
        "templateFile": "a.json", "assumeRoleArn": role("deploy"), "cloudFormationExecutionRoleArn": role("execute"),
        "requiresBootstrapStackVersion": 6, "bootstrapStackVersionSsmParameter": "/cdk/version",
    }});
    let write = |name: &str, value: Value| fs::write(folder.join(name), value.to_string()).unwrap();
    write("manifest.json", json!({"artifacts": {"Bonafide-test-Data": stack}}));
    write("a.json", json!({"Resources": {"Logs": logs}}));
    folder.display().to_string()
}

/// The answers of an account in which the log group exists, and `CloudFormation` may not create one.
fn account_with_a_log_group(request: &str) -> (u16, String) {
    let is = |part: &str| request.contains(part);
    let xml = |operation: &str, result: &str| {
        (200, format!("<{operation}Response><{operation}Result>{result}</{operation}Result></{operation}Response>"))
    };
    if is("Action=DescribeType") && is("TypeName=AWS%3A%3ALogs%3A%3ALogGroup") {
        let create = json!({"permissions": ["logs:CreateLogGroup", "logs:TagResource"]});
        let schema = json!({"primaryIdentifier": ["/properties/LogGroupName"], "handlers": {"create": create}});
        return xml("DescribeType", &format!("<Schema>{schema}</Schema>"));
    }
    if is("Action=AssumeRole") && is("role%2Fdeploy") {
        return xml("AssumeRole", "");
    }
    if is("Action=SimulatePrincipalPolicy") && is("role%2Fexecute") {
        let result = |action: &str, decision: &str| {
            format!("<member><EvalActionName>{action}</EvalActionName><EvalDecision>{decision}</EvalDecision></member>")
        };
        let results = result("logs:CreateLogGroup", "implicitDeny") + &result("logs:TagResource", "allowed");
        return xml("SimulatePrincipalPolicy", &results);
    }
    if is("AmazonSSM.GetParameter") {
        return (200, json!({"Parameter": {"Value": "28"}}).to_string());
    }
    if is("CloudApiService.GetResource") && is("/bonafide/eu-north-1") {
        return (200, "{}".to_owned());
    }
    if request.starts_with("GET /2016-08-19/account-settings ") {
        let limits = json!({"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10});
        return (200, json!({"AccountLimit": limits}).to_string());
    }
    account_with_a_bucket(request)
}

#[test]
fn preflight_compares_every_answer_with_the_templates() {
    let folder = tempdir().unwrap();
    let endpoint = endpoint(account_with_a_log_group);
    let output =
        with_keys(&["preflight", "--app", &bootstrapped(folder.path()), "--endpoint-url", &endpoint, "--json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let findings = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let found: Vec<_> = findings.map(|finding| (finding["code"].clone(), finding["message"].clone())).collect();
    assert_eq!(found.iter().map(|(code, _)| code).collect::<Vec<_>>(), ["NAME_TAKEN", "EXECUTION_ROLE"], "{lines}");
    assert!(found[0].1.as_str().unwrap().starts_with("AWS::Logs::LogGroup /bonafide/eu-north-1: exists"), "{lines}");
    assert!(found[1].1.as_str().unwrap().contains("on all resources: logs:CreateLogGroup."), "{lines}");
}

#[test]
fn unknown_credentials_are_5() {
    let refused = "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code><Message>No.</Message></Error></ErrorResponse>";
    let endpoint = endpoint(|_| (403, refused.to_owned()));
    let output = with_keys(&["status", "a", "--endpoint-url", &endpoint]);
    assert_eq!(output.status.code(), Some(5), "{}", said(&output));
    assert!(said(&output).contains("the region is not enabled"), "{}", said(&output));
}

#[test]
fn a_host_that_does_not_exist_is_5() {
    // This name is reserved and never exists: https://www.rfc-editor.org/rfc/rfc6761#section-6.4
    let output = with_keys(&["status", "a", "--endpoint-url", "http://bonafide.invalid"]);
    assert_eq!(output.status.code(), Some(5), "{}", said(&output));
    assert!(said(&output).contains("no such host") && said(&output).contains("`--region`"), "{}", said(&output));
}
