//! Sessions of conversations, with the real workers where possible and with configured answers elsewhere.
//!
//! On AWS an Express execution leaves no history. The local AWS keeps one of every execution, so the path of states can be checked here.

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_tests::bench::{Ended, bench};
use bonafide_tests::contracts;
use bonafide_tools::control::{Fault, Gate};
use bonafide_tools::history::Trace;
use bonafide_tools::machine::{CONVERSATION, Machine};
use bonafide_tools::notifications::Notification;
use bonafide_tools::rows::{m, plain, s};
use serde_json::{Value, json};

const MACHINE: &str = "AgentOnboardingMachineArn";
/// Personal values of every scenario, which must not be found outside the tables.
const PERSONAL: [&str; 4] = ["PLANTED", "MARKED", "1961-07-07", "planted.marked"];
const READ: [&str; 8] = [
    "RecordSession",
    "AreAttemptsLeft",
    "DoesConversationGoOn",
    "ExtractIdentity",
    "IsExtractionConfident",
    "SaveIdentity",
    "IsExtractionEnough",
    "IsSelfieGiven",
];
const READ_STATES: usize = READ.len() - 1;
const COMPARED: [&str; 2] = ["CompareFaces", "IsSamePerson"];
const PICTURES: [&str; 2] = ["ComparePictures", "AreTwoPhotographs"];
const VERIFIED: [&str; 4] = ["VerifyIdentity", "IsVerified", "RecordVerification", "IsIdentityProven"];
/// The result is recorded and announced.
const CONCLUDED: [&str; 4] = ["ConcludeConversation", "IsSessionStillOpen", "NotifyOutcome", "Concluded"];
const REGISTERED: [&str; 4] = ["IsVerificationEnough", "CreateCustomer", "FindCustomer", "IsCustomerOwn"];

/// A session that only one scenario uses.
#[derive(Debug, Clone)]
struct Session {
    id: String,
}

/// An ended execution, with the row and the published messages.
struct Seen {
    ended: Ended,
    row: Value,
    published: Vec<Notification>,
    /// The latest decision record, if there is one.
    decided: Value,
}

impl Session {
    fn new(name: &str) -> Self {
        // Faults are matched by this text, so the delimiters keep one id from being part of another.
        Self { id: format!("AgentOnboarding_{name}_") }
    }

    fn fault(&self, fault: &Fault) -> Result<&Self> {
        bench().local.control.add(fault)?;
        Ok(self)
    }

    /// Configures the worker's answer when this state invokes it.
    fn answers(&self, state: &str, answer: &Value) -> Result<&Self> {
        self.fault(&Fault::result("lambda", "Invoke", &self.id, answer.clone()).by(&format!("{CONVERSATION}/{state}")))
    }

    /// Configures a readable document, a selfie of its person, and a register that confirms the person with this number.
    fn fits(&self, number: &str) -> Result<&Self> {
        self.looks_alike(95.5)?;
        self.answers("ComparePictures", &json!({"matchingFeatures": 19}))?;
        self.answers("ExtractIdentity", &extraction(number, 0.97))?;
        self.answers("VerifyIdentity", &verification(number))
    }

    /// Configures the similarity of the selfie. A larger face counts, although the other one is more similar or less.
    fn looks_alike(&self, similarity: f64) -> Result<&Self> {
        let face = |similarity: f64, side: f64| {
            let bounds = json!({"Left": 0.1, "Top": 0.1, "Width": side, "Height": side});
            json!({"Similarity": similarity, "Face": {"BoundingBox": bounds, "Confidence": 99.9}})
        };
        let matches = json!([face(99.9 - similarity, 0.1), face(similarity, 0.3)]);
        let portrait = json!({"BoundingBox": bonafide_tools::packages::portrait(), "Confidence": 99.9});
        let answer = json!({"SourceImageFace": portrait, "FaceMatches": matches, "UnmatchedFaces": []});
        self.fault(&Fault::result("rekognition", "CompareFaces", &self.id, answer))
    }

    /// A Task fails until the fault is removed.
    fn fails(&self, state: &str) -> Result<u64> {
        bench().local.control.put(&failure(state, &self.id)?)
    }

    fn key(&self) -> String {
        format!("onboard/DK/2026/11/21/{}/document.jpg", self.id)
    }

    fn input(&self, step: Option<&str>) -> Value {
        let bucket = bench().deployment.data("BucketName").unwrap();
        let mut input = json!({
            "sessionId": self.id,
            "country": "DK",
            "document": {"bucket": bucket, "key": self.key()},
            "consentedAt": "2026-11-21T09:30:00.000Z",
            "consent": {"version": "2026-03", "language": "da"},
            "selfie": {"bucket": bucket, "key": self.key().replace("document", "selfie"), "versionId": "s1"},
        });
        if let Some(step) = step {
            input["step"] = json!(step);
        }
        input
    }

    fn without_selfie(&self, step: Option<&str>) -> Value {
        let mut input = self.input(step);
        input.as_object_mut().expect("an object").remove("selfie");
        input
    }

    async fn run(&self, step: Option<&str>, notifications: usize) -> Result<Seen> {
        self.run_with(&self.input(step), notifications).await
    }

    /// Starts the machine as the conversation does, and waits for its end.
    async fn run_with(&self, input: &Value, notifications: usize) -> Result<Seen> {
        let request = json!({"stateMachineArn": bench().deployment.machine(MACHINE)?, "input": input.to_string()});
        // The call blocks, so it must not run on the runtime's own threads.
        let local = bench().local.clone();
        let answer =
            tokio::task::spawn_blocking(move || local.raw("states", "AWSStepFunctions.StartSyncExecution", &request))
                .await??;
        let execution = answer["executionArn"].as_str().with_context(|| answer.to_string())?;
        let trace = Trace::fetch(&bench().local, execution)?;
        contracts::check(&trace)?;
        let ended = Ended {
            status: answer["status"].as_str().unwrap_or_default().into(),
            output: trace.output.clone().unwrap_or_default(),
            error: answer["error"].as_str().map(str::to_owned),
            traces: vec![trace],
        };
        for personal in PERSONAL {
            for place in ["input", "output", "error", "cause", "name"] {
                let text = answer[place].as_str().unwrap_or_default();
                assert!(!text.contains(personal), "{personal} is in the {place} of {execution}");
            }
        }
        let published = bench().notifications(&self.id, notifications).await?;
        let decided = bench().decisions(&self.id).await?.last().map(plain).unwrap_or_default();
        Ok(Seen { ended, row: plain(&bench().row(&self.id).await?), published, decided })
    }

    /// Stops the invocation by this state until the gate is opened.
    fn gate(&self, state: &str) -> Result<Gate<'static>> {
        let busy = Fault::error("lambda", "Invoke", &self.id, "TooManyRequestsException", 429);
        bench().local.control.gate(&busy.by(&format!("{CONVERSATION}/{state}")).late(18))
    }

    /// Changes the row while the gate is closed, then opens it.
    async fn meanwhile(&self, gate: Gate<'_>, changes: &[(&str, AttributeValue)]) -> Result<()> {
        gate.reached().await?;
        let table = bench().deployment.data("ApplicationsTableName")?;
        let mut update = bench().local.dynamodb.update_item().table_name(table).key("applicationId", s(&self.id));
        let mut sets = Vec::new();
        for (index, (name, value)) in changes.iter().enumerate() {
            sets.push(format!("#n{index} = :v{index}"));
            update = update.expression_attribute_names(format!("#n{index}"), *name);
            update = update.expression_attribute_values(format!(":v{index}"), value.clone());
        }
        update.update_expression(format!("SET {}", sets.join(", "))).send().await?;
        gate.open()
    }

    /// The customers with this number.
    async fn customer(&self, number: &str) -> Result<Value> {
        let get = bench().local.dynamodb.get_item().table_name(bench().deployment.data("CustomersTableName")?);
        let get = get.key("PK", s(&format!("DK#{number}"))).key("SK", s("PROFILE")).consistent_read(true);
        Ok(plain(&get.send().await?.item.unwrap_or_default()))
    }
}

impl Seen {
    /// Checks that the execution succeeded with exactly these states.
    #[track_caller]
    fn went(&self, path: &[&str]) -> &Self {
        let ended = &self.ended;
        assert_eq!((&ended.status, ended.path()), (&ExecutionStatus::Succeeded, path.to_vec()), "{:?}", ended.error);
        self
    }

    /// Checks that a refusal is in the output, in the row, in its decision record, and in one message.
    #[track_caller]
    fn refused(&self, result: &str, outcome: &str, check: &str, reasons: &[&str]) {
        let output = &self.ended.output;
        assert_eq!((&output["result"], &output["reasons"]), (&json!(result), &json!(reasons)));
        let row = &self.row;
        assert_eq!(
            (&row["status"], &row["outcome"], &row["reasons"]),
            (&json!("DECIDED"), &json!(outcome), &json!(reasons))
        );
        assert_eq!(row[check]["reasons"], json!(reasons), "{row}");
        let decided = &self.decided;
        assert_eq!(
            (&decided["what"], &decided["outcome"], &decided["checks"][check]),
            (&json!("conversationConcluded"), &json!(outcome), &row[check]),
            "{decided}"
        );
        assert!(PERSONAL.iter().all(|personal| !decided.to_string().contains(personal)), "{decided}");
        let published: Vec<_> =
            self.published.iter().map(|message| (message.event.as_str(), message.outcome.as_deref())).collect();
        assert_eq!(published, [("APPLICATION_DECIDED", Some(outcome))]);
        assert_eq!(self.published[0].reasons, reasons);
    }

    /// Checks that the failure was recorded and announced, and that nothing was decided.
    #[track_caller]
    fn failed(&self, state: &str, reason: &str) {
        assert_eq!((&self.ended.status, self.ended.error.as_deref()), (&ExecutionStatus::Failed, Some(reason)));
        assert_eq!((&self.row["status"], &self.row["reasons"]), (&json!("FAILED"), &json!([reason])));
        assert_eq!(self.row["failure"]["state"], state, "{}", self.row);
        let published: Vec<_> =
            self.published.iter().map(|message| (message.event.as_str(), &message.reasons[..])).collect();
        assert_eq!(published, [("APPLICATION_FAILED", &[reason.to_owned()][..])]);
    }
}

fn extraction(number: &str, confidence: f64) -> Value {
    json!({
        "status": "OK",
        "identity": {
            "nationalId": number, "country": "DK", "firstName": "PLANTED", "lastName": "MARKED",
            "dateOfBirth": "1961-07-07", "sex": "male", "expirationDate": "",
        },
        "confidence": confidence,
        "confidences": {
            "nationalId": confidence, "firstName": 0.98, "lastName": 0.99, "dateOfBirth": 0.99,
        },
        "versionId": "v1",
        "reasons": [],
    })
}

fn verification(number: &str) -> Value {
    json!({
        "status": "VERIFIED", "outcome": "pass", "reasons": [],
        "scores": {"firstName": 100.0, "lastName": 98.0},
        "numberCheck": "valid", "numberKind": "ordinary",
        "record": {
            "customerKey": format!("DK#{number}"), "nationalId": number, "country": "DK", "firstName": "PLANTED",
            "lastName": "MARKED", "dateOfBirth": "1961-07-07", "email": "planted.marked@customers.example",
        },
    })
}

/// A fault of the service behind a Task, with an error name of that service.
fn failure(state: &str, id: &str) -> Result<Fault> {
    let machine = Machine::read(CONVERSATION)?;
    let resource = machine.states().find(|(name, _)| *name == state).map(|(_, state)| state["Resource"].clone());
    let resource = resource.with_context(|| format!("there is no {state}"))?;
    let (service, operation, error) =
        match resource.as_str().unwrap_or_default().trim_start_matches("arn:aws:states:::") {
            "lambda:invoke" => ("lambda", "Invoke", "TooManyRequestsException"),
            "sns:publish" => ("sns", "Publish", "InternalError"),
            "aws-sdk:rekognition:compareFaces" => ("rekognition", "CompareFaces", "ThrottlingException"),
            "dynamodb:putItem" => ("dynamodb", "PutItem", "ProvisionedThroughputExceededException"),
            "dynamodb:getItem" => ("dynamodb", "GetItem", "ProvisionedThroughputExceededException"),
            _ => ("dynamodb", "UpdateItem", "ProvisionedThroughputExceededException"),
        };
    Ok(Fault::error(service, operation, id, error, 400).by(&format!("{CONVERSATION}/{state}")))
}

fn whole() -> Vec<&'static str> {
    [&READ[..], &COMPARED, &PICTURES, &VERIFIED, &REGISTERED, &CONCLUDED].concat()
}

#[test]
fn registers_a_person_whom_the_register_confirms() {
    bench().run(async {
        let session = Session::new("registered");
        let seen = session.fits("0101010011")?.run(None, 1).await?;
        seen.went(&whole());
        let customer = session.customer("0101010011").await?;
        assert_eq!(
            seen.ended.output,
            json!({
                "sessionId": session.id, "result": "REGISTERED", "reasons": [], "customerId": customer["customerId"],
            })
        );
        assert_eq!(
            (&customer["applicationId"], &customer["status"], &customer["email"]),
            (&json!(session.id), &json!("REGISTERED"), &json!("planted.marked@customers.example"))
        );
        let row = &seen.row;
        assert_eq!(
            (&row["status"], &row["outcome"], &row["reasons"]),
            (&json!("DECIDED"), &json!("approved"), &json!([]))
        );
        assert_eq!(row["document"]["versionId"], "v1");
        assert_eq!(row["consentedAt"], "2026-11-21T09:30:00.000Z");
        assert_eq!(row["consent"], json!({"version": "2026-03", "language": "da"}));
        assert_eq!(row["identityExtraction"]["scores"], json!({"confidence": 0.97}));
        assert_eq!(row["nationalNumber"], json!({"kind": "ordinary", "check": "valid"}));
        assert_eq!(row["identityCompare"]["scores"], json!({"similarity": 95.5, "matchingFeatures": 19.0}));
        assert_eq!(row["selfie"]["versionId"], "s1");
        for check in ["identityExtraction", "identityCompare", "registryVerification", "customerRegistration"] {
            assert_eq!(row[check]["outcome"], "pass", "{check}");
        }
        assert_eq!(
            (seen.published[0].event.as_str(), seen.published[0].outcome.as_deref()),
            ("APPLICATION_DECIDED", Some("approved"))
        );
        // The data of a customer stay until the relationship ends.
        assert_eq!((row.get("retention"), row.get("retentionFrom")), (None, None));

        // Started again, it finds its own result and registers no other customer.
        let again = session.run(None, 2).await?;
        again.went(&["RecordSession", "FindRegistration", "IsRegistered", "NotifyOutcome", "Concluded"]);
        assert_eq!(again.ended.output, seen.ended.output);
        assert_eq!(again.published[0].event_id, again.published[1].event_id);
        Ok(())
    });
}

#[test]
fn registers_step_by_step() {
    bench().run(async {
        let session = Session::new("steps");
        session.fits("0101010022")?;
        let read = session.run(Some("extract"), 0).await?;
        read.went(&[&READ[..READ_STATES], &["Completed"]].concat());
        assert_eq!((&read.ended.output["result"], &read.ended.output["confidence"]), (&json!("OK"), &json!(0.97)));
        assert_eq!(read.row["status"], "IN_PROGRESS");
        let start = ["RecordSession", "AreAttemptsLeft", "DoesConversationGoOn", "LoadSession", "IsSessionReady"];
        let verified = session.run(Some("verify"), 0).await?;
        verified.went(
            &[&start[..], &["IsSelfieGiven"], &COMPARED, &PICTURES, &VERIFIED, &["IsVerificationEnough", "Completed"]]
                .concat(),
        );
        assert_eq!(session.customer("0101010022").await?, json!({}));
        // The proof is on the record: the last step needs no selfie.
        let registered = session.run_with(&session.without_selfie(Some("register")), 1).await?;
        registered.went(&[&start[..], &REGISTERED[1..], &CONCLUDED].concat());

        // A registration that was interrupted before it was recorded finds its own customer.
        let cut = Session::new("cut-off");
        cut.fits("0101010033")?.run(Some("verify"), 1).await?.refused(
            "RESUBMIT",
            "resubmit",
            "registryVerification",
            &["STEP_OUT_OF_ORDER"],
        );
        let fault = cut.fails("ConcludeConversation")?;
        cut.run(None, 2).await?;
        let customer = cut.customer("0101010033").await?;
        assert_eq!(customer["applicationId"], cut.id.as_str());
        bench().local.control.remove(fault)?;
        let seen = cut.run(Some("register"), 3).await?;
        assert_eq!(
            (&seen.ended.output["result"], &seen.ended.output["customerId"]),
            (&json!("REGISTERED"), &customer["customerId"])
        );
        Ok(())
    });
}

#[test]
fn no_step_runs_before_the_one_it_depends_on() {
    bench().run(async {
        let start = [
            "RecordSession",
            "AreAttemptsLeft",
            "DoesConversationGoOn",
            "LoadSession",
            "IsSessionReady",
            "ConcludeConversation",
            "IsSessionStillOpen",
            "NotifyOutcome",
            "Concluded",
        ];
        for (step, result, check) in
            [("verify", "RESUBMIT", "registryVerification"), ("register", "UNVERIFIED", "customerRegistration")]
        {
            let session = Session::new(&format!("early-{step}"));
            let seen = session.run(Some(step), 1).await?;
            seen.went(&start).refused(result, "resubmit", check, &["STEP_OUT_OF_ORDER"]);
        }
        // Verified with one document, then registered with another.
        let session = Session::new("other-document");
        session.fits("0101010044")?;
        session.run(Some("extract"), 0).await?;
        session.run(Some("verify"), 0).await?;
        let mut input = session.input(Some("register"));
        input["document"]["key"] = json!(session.key().replace(".jpg", ".png"));
        let seen = session.run_with(&input, 1).await?;
        seen.went(&start).refused("UNVERIFIED", "resubmit", "customerRegistration", &["STEP_OUT_OF_ORDER"]);
        assert_eq!(session.customer("0101010044").await?, json!({}));
        // After another reading, the register has to be queried again.
        session.run(Some("extract"), 0).await?;
        let seen = session.run(Some("register"), 2).await?;
        assert_eq!(seen.ended.output["reasons"], json!(["STEP_OUT_OF_ORDER"]));
        Ok(())
    });
}

#[test]
fn below_the_threshold_asks_for_a_picture_and_names_the_fields() {
    bench().run(async {
        let path = &READ[..5];
        let each = |name: &str| {
            let mut answer = extraction("0101010055", 0.97);
            answer["confidences"][name] = json!(0.89);
            answer["confidence"] = json!(0.89);
            answer
        };
        let mut all = extraction("0101010055", 0.5);
        for name in ["nationalId", "firstName", "lastName", "dateOfBirth"] {
            all["confidences"][name] = json!(0.5);
        }
        let mut nothing = extraction("", 0.0);
        nothing["status"] = json!("ERROR");
        let fields =
            ["NATIONAL_NUMBER_UNREADABLE", "FIRST_NAME_UNREADABLE", "LAST_NAME_UNREADABLE", "BIRTH_DATE_UNREADABLE"];
        let listed = ["ListReasons"];
        for (name, answer, listed, reasons) in [
            ("number", each("nationalId"), &listed[..], &fields[..1]),
            ("first-name", each("firstName"), &listed, &fields[1..2]),
            ("last-name", each("lastName"), &listed, &fields[2..3]),
            ("birth-date", each("dateOfBirth"), &listed, &fields[3..]),
            ("all-fields", all, &listed, &fields[..]),
            ("nothing", nothing, &[], &["DOCUMENT_UNREADABLE"]),
        ] {
            let session = Session::new(&format!("unsure-{name}"));
            let seen = session.answers("ExtractIdentity", &answer)?.run(Some("extract"), 1).await?;
            seen.went(&[path, listed, &CONCLUDED].concat());
            seen.refused("RESUBMIT", "resubmit", "identityExtraction", reasons);
            assert!(seen.row.get("identity").is_none(), "{}", seen.row);
        }
        Ok(())
    });
}

#[test]
fn without_a_picture_there_is_nothing_to_read() {
    bench().run(async {
        // The real worker, without an object in the bucket.
        let session = Session::new("no-picture");
        let seen = session.run(None, 1).await?;
        seen.refused("RESUBMIT", "resubmit", "identityExtraction", &["DOCUMENT_MISSING"]);
        // The document of another session is not read.
        let session = Session::new("foreign-picture");
        let mut input = session.input(None);
        input["document"]["key"] = json!(Session::new("no-picture").key());
        let seen = session.run_with(&input, 1).await?;
        seen.failed("ExtractIdentity", "DOCUMENT_CHECK_UNAVAILABLE");
        assert_eq!(seen.row["failure"]["error"], "Bonafide.InvalidInput");
        Ok(())
    });
}

#[test]
fn registers_no_person_whom_the_register_does_not_confirm() {
    bench().run(async {
        for (name, outcome, decided, reason) in [
            ("name", "decline", "declined", "REGISTRY_NAME_MISMATCH"),
            ("unknown", "decline", "declined", "REGISTRY_PERSON_NOT_FOUND"),
            ("registered-birth-date", "decline", "declined", "REGISTRY_BIRTH_DATE_MISMATCH"),
            ("birth-date", "decline", "declined", "NATIONAL_NUMBER_BIRTH_DATE_MISMATCH"),
            ("synthetic", "decline", "declined", "NATIONAL_NUMBER_SYNTHETIC"),
            ("sex", "refer", "referred", "NATIONAL_NUMBER_SEX_MISMATCH"),
            ("no-number", "resubmit", "resubmit", "NATIONAL_NUMBER_INVALID"),
            ("check", "refer", "referred", "NATIONAL_NUMBER_CHECK_FAILED"),
            ("country", "resubmit", "resubmit", "NATIONAL_NUMBER_COUNTRY_MISMATCH"),
        ] {
            let session = Session::new(&format!("unverified-{name}"));
            let no = json!({"status": "UNVERIFIED", "outcome": outcome, "reasons": [reason]});
            session.answers("VerifyIdentity", &no)?.fits("0101010066")?;
            let seen = session.run(None, 1).await?;
            seen.went(&[&READ[..], &COMPARED, &PICTURES, &VERIFIED[..2], &CONCLUDED].concat());
            seen.refused("UNVERIFIED", decided, "registryVerification", &[reason]);
        }
        assert_eq!(Session::new("any").customer("0101010066").await?, json!({}));
        Ok(())
    });
}

/// A picture of a document can be typed: it alone makes no customer, and says nothing about the register or about customers.
#[test]
fn without_a_selfie_of_the_person_the_best_outcome_is_referred() {
    bench().run(async {
        let unproven = [&VERIFIED[..], &CONCLUDED].concat();
        let none = Session::new("no-selfie");
        none.fits("0606060611")?;
        let mut input = none.without_selfie(None);
        input.as_object_mut().expect("an object").remove("consent");
        let seen = none.run_with(&input, 1).await?;
        assert_eq!(seen.row["consent"], json!({}), "no page has asked");
        seen.went(&[&READ[..], &unproven].concat());
        seen.refused("UNVERIFIED", "referred", "customerRegistration", &["IDENTITY_UNPROVEN"]);
        assert_eq!(seen.row["identityCompare"]["scores"], json!({}));
        assert_eq!(seen.row["registryVerification"]["outcome"], "pass");
        // The last step is out of order, whatever the earlier ones have found.
        let early = none.run(Some("register"), 2).await?;
        assert_eq!(early.ended.output["reasons"], json!(["STEP_OUT_OF_ORDER"]));

        for (name, similarity) in [("threshold", 79.5), ("other", 12.5)] {
            let other = Session::new(&format!("selfie-{name}"));
            other.looks_alike(similarity)?.fits("0606060611")?;
            let seen = other.run(None, 1).await?;
            seen.went(&[&READ[..], &COMPARED, &unproven].concat());
            seen.refused("UNVERIFIED", "referred", "customerRegistration", &["IDENTITY_UNPROVEN"]);
            assert_eq!(seen.row["identityCompare"]["scores"], json!({"similarity": similarity}), "{name}");
        }
        for (name, answer, reason) in [
            ("copy", json!({"matchingFeatures": 20}), "SELFIE_SAME_PHOTOGRAPH"),
            ("unlike", json!({}), "PICTURES_NOT_COMPARED"),
        ] {
            let other = Session::new(&format!("selfie-{name}"));
            other.answers("ComparePictures", &answer)?.fits("0606060611")?;
            let seen = other.run(None, 1).await?;
            seen.went(&[&READ[..], &COMPARED, &PICTURES, &unproven].concat());
            seen.refused("UNVERIFIED", "referred", "customerRegistration", &["IDENTITY_UNPROVEN"]);
            assert_eq!(seen.row["identityCompare"]["reasons"], json!([reason]), "{name}");
        }
        for error in ["InvalidParameterException", "InvalidImageFormatException", "ImageTooLargeException"] {
            let unusable = Session::new(&format!("selfie-{error}"));
            unusable
                .fault(&Fault::error("rekognition", "CompareFaces", &unusable.id, error, 400))?
                .fits("0606060611")?;
            let seen = unusable.run(None, 1).await?;
            seen.went(&[&READ[..], &["CompareFaces"], &unproven].concat());
            seen.refused("UNVERIFIED", "referred", "customerRegistration", &["IDENTITY_UNPROVEN"]);
        }
        assert_eq!(none.customer("0606060611").await?, json!({}));

        // A selfie that is sent later proves the person; another document needs another proof.
        let seen = none.run(Some("verify"), 2).await?;
        assert_eq!(seen.ended.output, json!({"sessionId": none.id, "result": "OK", "reasons": []}));
        let read = none.run(Some("extract"), 2).await?;
        assert_eq!(read.row.get("identityCompare"), None);
        let seen = none.run_with(&none.without_selfie(Some("verify")), 3).await?;
        assert_eq!(seen.ended.output["reasons"], json!(["IDENTITY_UNPROVEN"]));
        assert_eq!(none.customer("0606060611").await?, json!({}));
        Ok(())
    });
}

#[test]
fn attempts_are_limited_and_failures_are_none() {
    bench().run(async {
        let session = Session::new("attempts");
        let fault = session.fails("VerifyIdentity")?;
        session.fits("0707070711")?;
        let failed = session.run_with(&session.without_selfie(None), 1).await?;
        assert_eq!(failed.row["status"], "FAILED");
        bench().local.control.remove(fault)?;
        for attempt in 2..7 {
            let seen = session.run_with(&session.without_selfie(None), attempt).await?;
            assert_eq!(seen.ended.output["reasons"], json!(["IDENTITY_UNPROVEN"]), "{attempt}");
        }
        // The sixth is not looked at, although it would pass.
        let seen = session.run(None, 7).await?;
        seen.went(&[&READ[..2], &CONCLUDED].concat());
        assert_eq!((&seen.row["outcome"], &seen.row["reasons"]), (&json!("referred"), &json!(["ATTEMPTS_EXHAUSTED"])));
        assert_eq!(session.customer("0707070711").await?, json!({}));
        Ok(())
    });
}

#[test]
fn one_person_is_one_customer_across_sessions() {
    bench().run(async {
        let (first, second) = (Session::new("same-person-1"), Session::new("same-person-2"));
        for session in [&first, &second] {
            session.fits("0101010077")?;
        }
        let (one, other) = tokio::join!(first.run(None, 1), second.run(None, 1));
        let (one, other) = (one?, other?);
        let (winner, loser) = if one.ended.output["result"] == "REGISTERED" { (one, other) } else { (other, one) };
        winner.went(&whole());
        loser.went(&[&READ[..], &COMPARED, &PICTURES, &VERIFIED, &REGISTERED, &CONCLUDED].concat());
        loser.refused("ALREADY_REGISTERED", "declined", "customerRegistration", &["CUSTOMER_ALREADY_REGISTERED"]);
        assert!(loser.ended.output.get("customerId").is_none());
        Ok(())
    });
}

#[test]
fn a_session_that_is_over_or_superseded_changes_nothing() {
    bench().run(async {
        // Another picture is read while the register is queried.
        let session = Session::new("superseded");
        let gate = session.gate("VerifyIdentity")?;
        session.fits("0101010088")?;
        let another = m(&[("versionId", s("v2"))]);
        let read = [("document", another)];
        let (seen, ()) = tokio::try_join!(session.run(None, 0), session.meanwhile(gate, &read))?;
        assert_eq!(
            seen.ended.output,
            json!({"sessionId": session.id, "result": "RESUBMIT", "reasons": ["STEP_OUT_OF_ORDER"]})
        );
        assert_eq!((&seen.row["status"], seen.row.get("registryVerification")), (&json!("IN_PROGRESS"), None));
        assert_eq!(session.customer("0101010088").await?, json!({}));
        // The session ends with a customer while a refusal, or a failure, is being recorded.
        let refused = extraction("0101010099", 0.1);
        for (name, answer) in [("refused", Some(refused)), ("failed", None)] {
            let session = Session::new(&format!("over-meanwhile-{name}"));
            let fault = match answer {
                Some(answer) => Fault::result("lambda", "Invoke", &session.id, answer),
                None => Fault::error("lambda", "Invoke", &session.id, "AccessDeniedException", 400),
            };
            let gate = session.gate("ExtractIdentity")?;
            session.fault(&fault.by(&format!("{CONVERSATION}/ExtractIdentity")))?;
            let made = [("customerId", s("a-customer")), ("document", m(&[("versionId", s("v0"))]))];
            let (seen, ()) = tokio::try_join!(session.run(None, 1), session.meanwhile(gate, &made))?;
            assert_eq!((&seen.row["status"], seen.row.get("failure")), (&json!("IN_PROGRESS"), None), "{name}");
            if name == "refused" {
                assert_eq!(seen.ended.output["customerId"], "a-customer", "{:?}", seen.ended.error);
            } else {
                assert_eq!(seen.ended.status, ExecutionStatus::Failed);
            }
        }
        // The row of a package is not used for a conversation.
        let session = Session::new("package");
        bench().put_row(&session.id, [("status".to_owned(), s("IN_PROGRESS"))]).await?;
        let seen = session.run(None, 0).await?;
        assert_eq!(seen.ended.status, ExecutionStatus::Failed);
        assert_eq!(seen.ended.path(), ["RecordSession", "FindRegistration", "IsRegistered", "Failed"]);
        assert_eq!(seen.row, json!({"applicationId": session.id, "status": "IN_PROGRESS"}));
        Ok(())
    });
}

/// The person has withdrawn the consent, or an operator erases the data.
#[test]
fn a_session_that_is_being_erased_records_nothing_more() {
    let erased = [("erasureAt", s("2026-11-30T08:00:00.000Z"))];
    let closed = ["FindRegistration", "IsRegistered", "Completed"];
    bench().run(async {
        // Before the start: with a record, and with the mark alone.
        let consented = ("consentedAt", s("2026-11-21T09:30:00.000Z"));
        for (name, row) in
            [("erased-before", [&erased[..], &[consented]].concat()), ("erased-unknown", erased.to_vec())]
        {
            let session = Session::new(name);
            bench().put_row(&session.id, row.into_iter().map(|(name, value)| (name.to_owned(), value))).await?;
            let before = plain(&bench().row(&session.id).await?);
            let seen = session.run(None, 0).await?;
            seen.went(&[&["RecordSession"], &closed[..]].concat());
            assert_eq!(seen.row, before);
        }
        // Meanwhile, before each write that follows.
        let read = READ[..6].to_vec();
        let verified = [&READ[..], &COMPARED, &PICTURES, &VERIFIED[..3]].concat();
        let unread = ["IsExtractionConfident", "ListReasons", "ConcludeConversation", "IsSessionStillOpen"];
        for (name, state, path, confidence) in [
            ("read", "ExtractIdentity", [&read[..], &["Completed"]].concat(), 0.97),
            ("verified", "VerifyIdentity", [&verified[..], &["Completed"]].concat(), 0.97),
            ("unread", "ConcludeConversation", [&READ[..4], &unread, &closed].concat(), 0.1),
        ] {
            let session = Session::new(&format!("erased-{name}"));
            let gate = session.gate(state)?;
            if confidence < 0.9 {
                session.answers("ExtractIdentity", &extraction("0101010154", confidence))?;
            } else {
                session.fits("0101010154")?;
            }
            let (seen, ()) = tokio::try_join!(session.run(None, 0), session.meanwhile(gate, &erased))?;
            seen.went(&path);
            assert_eq!(
                (&seen.ended.output["result"], &seen.row["status"]),
                (&json!("RESUBMIT"), &json!("IN_PROGRESS"))
            );
            assert_eq!(seen.row.get("identity").is_some(), name == "verified", "{}", seen.row);
            assert_eq!((seen.row.get("registryRecord"), seen.decided), (None, Value::Null), "{}", seen.row);
        }
        assert_eq!(Session::new("erased-verified").customer("0101010154").await?, json!({}));
        Ok(())
    });
}

#[test]
fn every_failure_is_retried_recorded_and_announced_and_can_be_repeated() {
    bench().run(async {
        let mut running = tokio::task::JoinSet::new();
        for (index, (state, reason)) in [
            ("RecordSession", "SYSTEM_UNAVAILABLE"),
            ("ExtractIdentity", "DOCUMENT_CHECK_UNAVAILABLE"),
            ("SaveIdentity", "SYSTEM_UNAVAILABLE"),
            ("CompareFaces", "IDENTITY_CHECK_UNAVAILABLE"),
            ("ComparePictures", "IDENTITY_CHECK_UNAVAILABLE"),
            ("VerifyIdentity", "REGISTRY_UNAVAILABLE"),
            ("RecordVerification", "SYSTEM_UNAVAILABLE"),
            ("CreateCustomer", "SYSTEM_UNAVAILABLE"),
            ("FindCustomer", "SYSTEM_UNAVAILABLE"),
            ("ConcludeConversation", "SYSTEM_UNAVAILABLE"),
        ]
        .into_iter()
        .enumerate()
        {
            running.spawn(async move {
                let number = format!("02020200{index:02}");
                let session = Session::new(&format!("fails-{state}"));
                // The first matching fault applies.
                let fault = session.fails(state)?;
                session.fits(&number)?;
                if state == "RecordSession" {
                    // A session from an earlier step: without one there is no row on which to record a failure.
                    let consented = [("consentedAt".to_owned(), s("2026-11-21T09:30:00.000Z"))];
                    bench().put_row(&session.id, consented).await?;
                }
                let seen = session.run(None, 1).await?;
                seen.failed(state, reason);
                let tries = seen.ended.traces[0].errors().iter().filter(|(at, _)| *at == state).count();
                assert_eq!(tries, 5, "{state}");
                bench().local.control.remove(fault)?;
                let seen = session.run(None, 2).await?;
                assert_eq!(seen.ended.output["result"], "REGISTERED", "{state}: {:?}", seen.ended.error);
                assert!(seen.row.get("failure").is_none(), "{state}: {}", seen.row);
                anyhow::Ok(())
            });
        }
        while let Some(ended) = running.join_next().await {
            ended??;
        }
        Ok(())
    });
}

/// What is decided has one record, also if the answer of the worker is lost, and a step that only goes on has none.
#[test]
fn each_outcome_has_one_decision_record() {
    bench().run(async {
        let session = Session::new("lost-answer");
        session.fits("0303030399")?;
        for step in ["extract", "verify"] {
            assert_eq!(session.run(Some(step), 0).await?.decided, Value::Null, "{step}");
        }
        let lost = Fault::error("lambda", "Invoke", &session.id, "ServiceException", 500).afterwards().times(1);
        session.fault(&lost.by(&format!("{CONVERSATION}/ConcludeConversation")))?;
        let seen = session.run(Some("register"), 1).await?;
        assert_eq!(seen.ended.traces[0].errors().len(), 1, "no answer was lost");
        let records: Vec<_> = bench().decisions(&session.id).await?.iter().map(plain).collect();
        let [record] = &records[..] else { panic!("{} records", records.len()) };
        assert_eq!(
            (&record["what"], &record["outcome"], &record["customerId"], &record["step"]),
            (&json!("conversationConcluded"), &json!("approved"), &seen.row["customerId"], &json!("register"))
        );
        for check in ["identityExtraction", "identityCompare", "registryVerification", "customerRegistration"] {
            assert_eq!(record["checks"][check], seen.row[check], "{check}");
        }
        assert_eq!(
            (&record["evidence"]["selfie"], &record["consent"]["at"]),
            (&seen.row["selfie"], &seen.row["consentedAt"])
        );
        assert!(PERSONAL.iter().all(|personal| !record.to_string().contains(personal)), "{record}");
        Ok(())
    });
}

#[test]
fn a_step_whose_record_cannot_be_read_is_recorded_as_failed() {
    bench().run(async {
        let session = Session::new("fails-LoadSession");
        session.fits("0303030311")?.run(Some("extract"), 0).await?;
        session.fails("LoadSession")?;
        session.run(Some("verify"), 1).await?.failed("LoadSession", "SYSTEM_UNAVAILABLE");
        let session = Session::new("fails-refusal");
        session.answers("ExtractIdentity", &extraction("0303030322", 0.1))?.fails("ConcludeConversation")?;
        session.run(None, 1).await?.failed("ConcludeConversation", "SYSTEM_UNAVAILABLE");
        Ok(())
    });
}

#[test]
fn an_unannounced_outcome_stays_and_is_announced_on_the_next_attempt() {
    bench().run(async {
        let session = Session::new("unannounced-approval");
        let fault = session.fits("0404040411")?.fails("NotifyOutcome")?;
        let seen = session.run(None, 0).await?;
        assert_eq!((&seen.ended.status, &seen.row["outcome"]), (&ExecutionStatus::Failed, &json!("approved")));
        // The result cannot be looked up either.
        let lost = session.fails("FindRegistration")?;
        let seen = session.run(None, 0).await?;
        assert_eq!((&seen.ended.status, &seen.row["outcome"]), (&ExecutionStatus::Failed, &json!("approved")));
        for fault in [fault, lost] {
            bench().local.control.remove(fault)?;
        }
        let seen = session.run(None, 1).await?;
        assert_eq!((&seen.ended.output["result"], seen.published.len()), (&json!("REGISTERED"), 1));

        let session = Session::new("unannounced-refusal");
        let fault = session.answers("ExtractIdentity", &extraction("0404040422", 0.1))?.fails("NotifyOutcome")?;
        let seen = session.run(None, 0).await?;
        assert_eq!((&seen.ended.status, &seen.row["outcome"]), (&ExecutionStatus::Failed, &json!("resubmit")));
        bench().local.control.remove(fault)?;
        session.run(None, 1).await?.refused(
            "RESUBMIT",
            "resubmit",
            "identityExtraction",
            &["NATIONAL_NUMBER_UNREADABLE"],
        );
        Ok(())
    });
}

#[test]
fn a_failure_that_cannot_be_recorded_or_announced_still_fails() {
    bench().run(async {
        let session = Session::new("fails-altogether");
        for state in ["VerifyIdentity", "RecordFailure", "NotifyFailure"] {
            session.fails(state)?;
        }
        session.fits("0505050511")?;
        let seen = session.run(None, 0).await?;
        assert_eq!(
            seen.ended.path(),
            [&READ[..], &COMPARED, &PICTURES, &["VerifyIdentity", "RecordFailure", "NotifyFailure", "Failed"]].concat()
        );
        assert_eq!(
            (&seen.ended.status, seen.ended.error.as_deref()),
            (&ExecutionStatus::Failed, Some("REGISTRY_UNAVAILABLE"))
        );
        assert_eq!((&seen.row["status"], seen.published.len()), (&json!("IN_PROGRESS"), 0));

        // A row that is not a session is not marked as failed.
        let session = Session::new("fails-of-a-package");
        bench().put_row(&session.id, [("status".to_owned(), s("DECIDED"))]).await?;
        session.fails("RecordSession")?;
        let seen = session.run(None, 1).await?;
        assert_eq!(seen.row, json!({"applicationId": session.id, "status": "DECIDED"}));
        assert_eq!(seen.published[0].event, "APPLICATION_FAILED");
        Ok(())
    });
}
