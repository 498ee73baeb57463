//! The conversations of the demo and their records.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use aws_sdk_dynamodb::types::AttributeValue;
use bonafide_tests::bench::bench;
use bonafide_tools::conversations::{self, Conversation, Session};
use bonafide_tools::rows::plain;
use serde_json::{Value, json};

use crate::run::samples_folder;

type Run = BTreeMap<String, (Conversation, Vec<Session>)>;

/// Plays all conversations, one after the other: the second conversation of a person has to follow the first.
fn all() -> &'static Run {
    static RUN: OnceLock<Run> = OnceLock::new();
    RUN.get_or_init(|| {
        let bench = bench();
        bench.run(async {
            let folder = samples_folder();
            let mut led = BTreeMap::new();
            for conversation in conversations::read(&folder.join("conversations.json"))? {
                let sessions = conversations::play(&bench.local, &conversation, &folder).await?;
                led.insert(conversation.id.clone(), (conversation, sessions));
            }
            Ok(led)
        })
    })
}

/// All customers that a session has made.
fn customers_of(session: &Session) -> Vec<Value> {
    let bench = bench();
    bench.run(async {
        let table = bench.deployment.data("CustomersTableName")?;
        let scan = bench.local.dynamodb.scan().table_name(table).filter_expression("applicationId = :session");
        let id = AttributeValue::S(session.id().unwrap_or_default().to_owned());
        let found = scan.expression_attribute_values(":session", id).send().await?;
        Ok(found.items().iter().map(plain).collect())
    })
}

/// The people on the specimen documents.
fn people() -> Value {
    serde_json::from_slice(&std::fs::read(samples_folder().join("nordic.json")).unwrap()).unwrap()
}

fn row(session: &Session) -> Value {
    let bench = bench();
    plain(&bench.run(bench.row(session.id().unwrap())))
}

#[test]
fn conversations_match_their_script() {
    let problems: Vec<_> =
        all().values().flat_map(|(conversation, sessions)| conversations::problems(conversation, sessions)).collect();
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn every_specimen_is_shown_in_some_conversation() {
    for specimen in people().as_array().unwrap() {
        let file = specimen["file"].as_str().unwrap();
        let shown = || {
            all().values().flat_map(move |(conversation, sessions)| {
                let shows_it = conversation.turns.iter().any(|turn| turn.uploads.as_deref() == Some(file));
                sessions.iter().filter(move |_| shows_it)
            })
        };
        let expected = (specimen["expected"]["result"].clone(), specimen["expected"]["reasons"].clone());
        let answers: Vec<_> = shown()
            .flat_map(|session| &session.turns)
            .filter_map(|turn| turn.answer.as_ref())
            .map(|(reply, _)| {
                (json!(reply.result.map_or("FAILED".to_owned(), conversations::word)), json!(reply.reasons))
            })
            .collect();
        // A refusal is told with one reason, whatever the record says.
        let mut recorded = shown()
            .filter_map(|session| Some((json!(conversations::word(session.end()?)), row(session)["reasons"].clone())));
        assert!(answers.contains(&expected) || recorded.any(|found| found == expected), "{file}");
    }
}

#[test]
fn each_registration_is_one_customer_with_a_decided_row() {
    for (id, (_, sessions)) in all() {
        for session in sessions {
            let is_registered = session.end().is_some_and(|end| conversations::word(end) == "REGISTERED");
            let customers = if session.id().is_some() { customers_of(session) } else { Vec::new() };
            assert_eq!(customers.len(), usize::from(is_registered), "{id}");
            if let [customer] = &customers[..] {
                let row = row(session);
                assert_eq!(row["status"], "DECIDED", "{id}");
                assert_eq!(row["outcome"], "approved", "{id}");
                assert_eq!(row["customerId"], customer["customerId"], "{id}");
                assert_eq!(customer["status"], "REGISTERED", "{id}");
                assert_eq!(customer["SK"], "PROFILE", "{id}");
            }
        }
    }
}

/// A stranger who has typed a document must not learn from an answer what the register knows, or who is a customer.
#[test]
fn every_refusal_has_the_same_answer() {
    let told = |id: &str| {
        let (_, sessions) = &all()[id];
        let (body, state) = sessions[0].turns.last().and_then(|turn| turn.answer.as_ref()).unwrap();
        (json!(body), *state, sessions[0].attributes["verificationStatus"].clone())
    };
    // The register knows the person; not the number; another name; another date of birth; and the portrait is another person's.
    let refusals = ["finland", "unknown-person", "wrong-number", "name-mismatch", "other-birth-date", "other-selfie"];
    for id in refusals {
        assert_eq!(told(id), told("health-card"), "{id}");
    }
    for (id, outcome) in [("finland", "referred"), ("other-selfie", "referred"), ("unknown-person", "declined")] {
        assert_eq!(row(&all()[id].1[0])["outcome"], outcome, "{id}");
    }
}

#[test]
fn two_conversations_at_once_make_one_customer() {
    let (_, sessions) = &all()["two-sessions"];
    assert_eq!(sessions.len(), 2);
    let customers: usize = sessions.iter().map(|session| customers_of(session).len()).sum();
    assert_eq!(customers, 1);
}

#[test]
fn a_person_without_consent_leaves_no_trace() {
    let (_, sessions) = &all()["no-consent"];
    assert!(sessions.iter().all(|session| session.id().is_none()));
}

#[test]
fn a_register_that_is_down_leaves_a_recorded_failure_and_no_customer() {
    let (_, sessions) = &all()["registry-down"];
    let row = row(&sessions[0]);
    assert_eq!(row["status"], "FAILED");
    assert_eq!(row["reasons"], json!(["REGISTRY_UNAVAILABLE"]));
    assert_eq!(row["failure"]["state"], "VerifyIdentity");
    assert!(customers_of(&sessions[0]).is_empty());
}

/// What identifies a person, in lower case: each given name alone, and the number also without separators.
fn markers(person: &Value) -> Vec<String> {
    let text = |name: &str| person[name].as_str().unwrap_or_default().to_lowercase();
    let number = text("nationalId");
    let digits: String = number.chars().filter(|character| character.is_alphanumeric()).collect();
    let names = text("firstName");
    let mut markers = vec![number, digits, text("lastName"), text("dateOfBirth"), text("dateOfBirth").replace('-', "")];
    markers.extend(names.split_whitespace().map(str::to_owned));
    // A person of another country has no number.
    markers.retain(|marker| !marker.is_empty());
    markers
}

#[test]
fn the_model_receives_no_personal_data() {
    let people = people();
    let markers: Vec<_> = people.as_array().unwrap().iter().flat_map(|sample| markers(&sample["person"])).collect();
    for marker in ["070761-4285", "0707614285", "rasmus", "holger", "testgaard", "1961-07-07", "19610707"] {
        assert!(markers.iter().any(|found| found == marker), "{marker} is not searched for");
    }
    let is_personal = |text: &str| markers.iter().any(|marker| text.to_lowercase().contains(marker));
    let mut attributes = BTreeSet::new();
    for (id, (_, sessions)) in all() {
        for session in sessions {
            for (reply, _) in session.turns.iter().filter_map(|turn| turn.answer.as_ref()) {
                let text = serde_json::to_string(reply).unwrap();
                assert!(!is_personal(&text), "an answer of {id} contains personal data");
            }
            for (name, value) in &session.attributes {
                assert!(
                    !is_personal(&format!("{name} {value}")),
                    "the attribute {name} of {id} contains personal data"
                );
                attributes.insert(name.as_str());
            }
        }
    }
    assert!(attributes.contains("documentKey"), "{attributes:?}");
}
