//! Cases through the review API and the command, with tokens of two reviewers.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;
use std::thread;

use anyhow::{Context as _, Result, ensure};
use bonafide_domain::UploadKind::{Document, Package, Selfie};
use bonafide_domain::{CaseRefusal, face_api::ApiError};
use bonafide_tests::answers::{found, license, pass, rekognition};
use bonafide_tests::bench::{bench, operators_command};
use bonafide_tests::reviewer::Reviewer;
use bonafide_tools::control::Fault;
use bonafide_tools::packages::{members, png, zip};
use bonafide_tools::rows::plain;
use serde_json::{Value, json};

use crate::applicant::{customers, number, send};
use crate::command::{as_ann, bonafide, json_lines};
use crate::review::in_review;

fn reviewer(name: &str) -> Result<Reviewer> {
    Reviewer::named(bench(), name)
}

#[track_caller]
fn ok((status, body): (u16, Value)) -> Value {
    assert_eq!((status, &body["success"]), (200, &json!(true)), "{body}");
    body
}

#[track_caller]
fn refused((status, body): &(u16, Value), expected: u16, code: &str) {
    assert_eq!((*status, body["code"].as_str()), (expected, Some(code)), "{body}");
}

async fn records(id: &str) -> Result<Vec<Value>> {
    Ok(bench().decisions(id).await?.iter().map(plain).collect())
}

#[test]
fn two_people_approve_a_case_and_the_customer_is_made() {
    let id = "e2e_desk-approved_";
    bench().run(async {
        let (sent, case) = in_review(id).await?;
        let (ann, bob, case) = (reviewer("ann")?, reviewer("bob")?, format!("{id}/{case}"));
        let approve = json!({"decision": "approve", "note": "The same person, with a beard."});
        let route = |action: &str| format!("/cases/{case}/{action}");

        let listed = ok(ann.get("/cases?limit=100&reason=FACE_MATCH_UNSURE")?);
        let found = listed["cases"].as_array().into_iter().flatten().find(|found| found["applicationId"] == id);
        ensure!(found.context("not listed")?["secondReviewerNeeded"] == true, "{listed}");

        let shown = ok(ann.get(&format!("/cases/{case}"))?);
        let field =
            |name: &str| shown["fields"].as_array().into_iter().flatten().find(|field| field["name"] == name).cloned();
        let number = field("documentNumber").context("no number")?;
        ensure!(number["stated"].is_string() && number["document"].is_string(), "{number}");
        let mut picture = ureq::get(shown["evidence"]["selfie"]["url"].as_str().context("no selfie")?).call()?;
        ensure!(picture.body_mut().with_config().limit(1 << 24).read_to_vec()?.starts_with(b"\x89PNG"), "no picture");
        let looks = records(id).await?;
        ensure!(looks.len() == 1 && looks[0]["what"] == "caseViewed", "{looks:?}");

        refused(&ann.decide(&case, "ann-0", &approve)?, 409, CaseRefusal::NotClaimed.code());
        ok(ann.post(&route("claim"))?);
        refused(&bob.post(&route("claim"))?, 409, CaseRefusal::Claimed.code());
        refused(&bob.decide(&case, "bob-0", &approve)?, 409, CaseRefusal::Claimed.code());
        refused(&bob.post(&route("release"))?, 409, CaseRefusal::Claimed.code());
        let first = ok(ann.decide(&case, "ann-1", &approve)?);
        ensure!(first["isFinal"] == false && customers(id).await?.is_empty(), "one person was enough: {first}");
        // The answer was lost: the same request again. Another request with its key.
        ensure!(ok(ann.decide(&case, "ann-1", &approve)?) == first, "another answer");
        refused(
            &ann.decide(&case, "ann-1", &json!({"decision": "approve"}))?,
            422,
            ApiError::IdempotencyKeyReused.code(),
        );
        ok(ann.post(&route("claim"))?);
        refused(&ann.decide(&case, "ann-2", &approve)?, 409, CaseRefusal::SecondReviewerRequired.code());
        ok(ann.post(&route("release"))?);

        ok(bob.post(&route("claim"))?);
        let last = ok(bob.decide(&case, "bob-1", &json!({"decision": "approve"}))?);
        ensure!(last["isFinal"] == true, "{last}");
        let record = sent.record_when(|record| record["status"] == "DECIDED").await?;
        ensure!(record["outcome"] == "approved" && customers(id).await?.len() == 1, "{record}");
        refused(&ann.post(&route("claim"))?, 409, CaseRefusal::Decided.code());
        let log = records(id).await?;
        let what: Vec<_> = log.iter().filter_map(|record| record["what"].as_str()).collect();
        let expected = [
            "caseViewed",
            "caseClaimed",
            "caseApprovedFirst",
            "caseClaimed",
            "caseClaimed",
            "caseDecided",
            "submissionConcluded",
        ];
        ensure!(what == expected, "{what:?}");
        ensure!(log[2]["who"] != log[5]["who"] && log[2]["noteDigest"].is_string(), "{log:?}");
        ensure!(!json!(log).to_string().contains("beard"), "the note is in the log: {log:?}");
        Ok(())
    });
}

#[test]
fn reviewers_read_applications_and_executions_without_personal_data() {
    let id = "e2e_desk-reading_";
    bench().run(async {
        let (sent, case) = in_review(id).await?;
        let ann = reviewer("ann")?;

        let listed = ok(ann.get(&format!("/applications?outcome=referred&idStart={id}"))?);
        ensure!(listed["applications"][0]["applicationId"] == id && listed["nextPage"].is_null(), "{listed}");
        let none = ok(ann.get(&format!("/applications?outcome=approved&idStart={id}"))?);
        ensure!(none["applications"] == json!([]), "{none}");

        let shown = ok(ann.get(&format!("/applications/{id}"))?);
        ensure!(shown["cases"][0]["caseId"] == case.as_str(), "{shown}");
        let submission = &shown["submissions"][0];
        ensure!(submission["submissionId"] == sent.submission().as_str(), "{submission}");
        let check =
            |name: &str| submission["checks"].as_array().into_iter().flatten().find(|check| check["check"] == name);
        ensure!(check("identityCompare").is_some_and(|check| check["outcome"] == "refer"), "{submission}");

        let execution = submission["execution"].as_str().context("no execution")?;
        let shown = ok(ann.get(&format!("/executions/{execution}"))?);
        let visits = shown["visits"].as_array().context("no visits")?;
        let names: Vec<_> = visits.iter().filter_map(|visit| visit["state"].as_str()).collect();
        let states = shown["states"].as_array().context("no states")?;
        ensure!(names.iter().all(|name| states.iter().any(|state| state["name"] == *name)), "{names:?}");
        let waiting = visits.last().context("no visit")?;
        ensure!((&shown["status"], &waiting["status"]) == (&json!("RUNNING"), &json!("RUNNING")), "{shown}");
        let child = waiting["children"][0].as_str().context("no child")?;
        let child = ok(ann.get(&format!("/executions/{child}"))?);
        ensure!(child["machine"].as_str().is_some_and(|name| name.ends_with("human-review")), "{child}");
        for child in visits.iter().filter_map(|visit| visit["children"].get(0)) {
            let child = ok(ann.get(&format!("/executions/{}", child.as_str().context("no name")?))?);
            ensure!(!child["edges"].as_array().context("no edges")?.is_empty(), "{child}");
        }

        let counted = ok(ann.get("/overview?days=1")?);
        ensure!(counted["openCases"].as_u64().is_some_and(|open| open > 0), "{counted}");
        refused(&ann.get("/overview?days=91")?, 400, ApiError::RequestInvalid.code());
        refused(&ann.get("/applications/e2e_desk-none")?, 404, CaseRefusal::ApplicationNotFound.code());
        let (machine, _) = execution.split_once('~').context("no machine")?;
        refused(&ann.get(&format!("/executions/{machine}~none"))?, 404, CaseRefusal::ExecutionNotFound.code());
        refused(&ann.get("/executions/another-machine~none")?, 404, CaseRefusal::ExecutionNotFound.code());
        let looks = records(id).await?;
        ensure!(looks.is_empty(), "nothing personal was shown: {looks:?}");
        Ok(())
    });
}

/// The second picture finds the face of another application.
#[test]
fn single_pictures_with_a_doubt_are_decided_too() {
    bench().run(async {
        let ann = reviewer("ann")?;
        for (id, first, second) in [("e2e_desk-selfie_", Document, Selfie), ("e2e_desk-document_", Selfie, Document)] {
            rekognition(id, "SearchFacesByImage", found("another-face", 99.5))?;
            pass(id)?;
            license(id, &number(id))?;
            send(first, id, png(600, 400)).await?.ended().await?;
            let sent = send(second, id, png(600, 400)).await?;
            let case = format!("{id}/{}-1", sent.submission());
            bench().case_waiting(id, &format!("{}-1", sent.submission())).await?;
            let shown = ok(ann.get(&format!("/cases/{case}"))?);
            ensure!(shown["duplicates"][0]["applicationId"] == "another-application", "{shown}");
            ok(ann.post(&format!("/cases/{case}/claim"))?);
            let decline = json!({"decision": "decline", "reasons": ["FACE_DUPLICATE"]});
            ok(ann.decide(&case, "decline", &decline)?);
            let record = sent.record_when(|record| record["status"] == "DECIDED").await?;
            ensure!(record["outcome"] == "declined", "{record}");

            // The same picture again, with the other one.
            let because = json!({"reason": "They are twins."});
            let appeal = ok(ann.post_json(&format!("/applications/{id}/appeal"), "appeal", &because)?);
            let submission = appeal["submissionId"].as_str().context("no submission")?;
            bench().case_waiting(id, &format!("{submission}-1")).await?;
        }
        Ok(())
    });
}

#[test]
fn of_two_reviewers_at_once_one_claims() {
    let id = "e2e_desk-twice_";
    bench().run(async {
        let (sent, case) = in_review(id).await?;
        let route = format!("/cases/{id}/{case}/claim");
        let claims = ["ann", "bob"].map(|name| {
            let (reviewer, route) = (reviewer(name), route.clone());
            thread::spawn(move || anyhow::Ok((name, reviewer?.post(&route)?)))
        });
        let answers = claims.map(|claim| claim.join().expect("no panic"));
        let [one, other] = answers;
        let (one, other) = (one?, other?);
        let (winner, loser) = if one.1.0 == 200 { (one, other) } else { (other, one) };
        ok(winner.1);
        refused(&loser.1, 409, CaseRefusal::Claimed.code());
        let decline = json!({"decision": "decline", "reasons": ["FACE_MISMATCH"]});
        ok(reviewer(winner.0)?.decide(&format!("{id}/{case}"), "decline", &decline)?);
        let record = sent.record_when(|record| record["status"] == "DECIDED").await?;
        ensure!(record["outcome"] == "declined" && record["reasons"] == json!(["FACE_MISMATCH"]), "{record}");
        Ok(())
    });
}

#[test]
fn a_service_that_does_not_answer_loses_nothing() {
    let id = "e2e_desk-outage_";
    bench().run(async {
        let (sent, case) = in_review(id).await?;
        let (ann, control) = (reviewer("ann")?, &bench().local.control);
        let path = format!("{id}/{case}");
        let outage =
            |service, operation, worker| Fault::error(service, operation, id, "ServiceUnavailable", 503).by(worker);
        // Nothing is shown that is not recorded.
        let fault = control.put(&outage("dynamodb", "PutItem", "read-cases"))?;
        let unseen = ann.get(&format!("/cases/{path}"))?;
        refused(&unseen, 503, ApiError::ServiceUnavailable.code());
        control.remove(fault)?;
        ensure!(records(id).await?.is_empty(), "a look that did not happen is recorded");

        ok(ann.post(&format!("/cases/{path}/claim"))?);
        let decline = json!({"decision": "decline", "reasons": ["FACE_MISMATCH"]});
        // The answers to the writes are lost: the decision is made once.
        control.add(&outage("dynamodb", "TransactWriteItems", "decide-cases").afterwards().times(1))?;
        let fault = control.put(&outage("states", "SendTaskSuccess", "decide-cases"))?;
        refused(&ann.decide(&path, "one", &decline)?, 503, ApiError::ServiceUnavailable.code());
        control.remove(fault)?;
        let cases: Vec<_> = bench().cases(id).await?.iter().map(plain).collect();
        ensure!(cases[0]["status"] == "DECIDED", "the decision is lost: {cases:?}");
        ok(ann.decide(&path, "one", &decline)?);
        let record = sent.record_when(|record| record["status"] == "DECIDED").await?;
        ensure!(record["outcome"] == "declined", "{record}");
        let what: Vec<_> = records(id).await?.iter().map(|record| record["what"].clone()).collect();
        ensure!(what == ["caseClaimed", "caseDecided", "submissionConcluded"], "{what:?}");
        Ok(())
    });
}

/// A package that the licence verification service declines, and the appeal of ann.
#[test]
fn an_appeal_is_decided_by_two_other_people() {
    let id = "e2e_desk-appeal_";
    bench().run(async {
        pass(id)?;
        license(id, &number(id))?;
        bench().local.control.set_license(&number(id), "unknown")?;
        let declined = send(Package, id, zip(&members(id, &number(id)))).await?.ended().await?;
        ensure!(declined["reasons"] == json!(["LICENSE_UNKNOWN"]), "{declined}");

        let (ann, bob, cleo) = (reviewer("ann")?, reviewer("bob")?, reviewer("cleo")?);
        let (appeal, reopen) = (format!("/applications/{id}/appeal"), format!("/applications/{id}/reopen"));
        let because = json!({"reason": "The register was wrong about Ada."});
        // The answer of the first request is lost: it has one effect.
        let fault = Fault::error("sqs", "SendMessage", id, "ServiceUnavailable", 503).by("operate-applications");
        let fault = bench().local.control.put(&fault)?;
        refused(&ann.post_json(&appeal, "one", &because)?, 503, ApiError::ServiceUnavailable.code());
        bench().local.control.remove(fault)?;
        let made = ok(ann.post_json(&appeal, "one", &because)?);
        refused(
            &ann.post_json(&appeal, "one", &json!({"reason": "Another."}))?,
            422,
            ApiError::IdempotencyKeyReused.code(),
        );
        let submission = made["submissionId"].as_str().context("no submission")?;
        let case = format!("{id}/{submission}-1");
        bench().case_waiting(id, &format!("{submission}-1")).await?;
        refused(&bob.post_json(&appeal, "two", &because)?, 409, CaseRefusal::ApplicationInReview.code());
        refused(&bob.post_json(&reopen, "three", &because)?, 409, CaseRefusal::ApplicationInReview.code());

        let shown = ok(bob.get(&format!("/cases/{case}"))?);
        let doubts = json!(["APPLICATION_APPEALED", "LICENSE_UNKNOWN"]);
        ensure!(
            (&shown["case"]["reasons"], &shown["case"]["secondReviewerNeeded"]) == (&doubts, &json!(true)),
            "{shown}"
        );
        ok(cleo.post_json(&format!("/cases/{case}/notes"), "note", &json!({"note": "I have called the register."}))?);
        let approve = json!({"decision": "approve"});
        let claim = format!("/cases/{case}/claim");
        ok(ann.post(&claim)?);
        refused(&ann.decide(&case, "ann", &approve)?, 403, CaseRefusal::ReviewerInvolved.code());
        ok(ann.post(&format!("/cases/{case}/release"))?);
        ok(bob.post(&claim)?);
        ensure!(ok(bob.decide(&case, "bob", &approve)?)["isFinal"] == false, "one person was enough");
        ok(cleo.post(&claim)?);
        ensure!(ok(cleo.decide(&case, "cleo", &approve)?)["isFinal"] == true, "two people were not enough");

        let row = plain(&bench().row_when(id, |row| row.contains_key("customerId")).await?);
        ensure!((&row["outcome"], &row["LICENSE_VALIDATION"]) == (&json!("approved"), &json!(true)), "{row}");
        let submissions: Vec<_> = bench().submissions(id).await?.iter().map(plain).collect();
        let judged = submissions.iter().find(|judged| judged["submissionId"] == submission).context("no submission")?;
        ensure!((&judged["attempt"], &judged["package"]) == (&declined["attempt"], &declined["package"]), "{judged}");
        let log = records(id).await?;
        let what: Vec<_> = log.iter().filter_map(|record| record["what"].as_str()).collect();
        let expected = [
            "submissionConcluded",
            "applicationAppealed",
            "caseViewed",
            "caseNoted",
            "caseClaimed",
            "caseClaimed",
            "caseApprovedFirst",
            "caseClaimed",
            "caseDecided",
            "submissionConcluded",
        ];
        ensure!(what == expected && log[1]["who"] == json!(ann.id()?), "{log:?}");
        let text = json!(log).to_string();
        ensure!(!text.contains("Ada") && !text.contains("called"), "a text of a person is in the log: {text}");
        Ok(())
    });
}

#[test]
fn only_a_reviewers_own_token_is_accepted() {
    bench().run(async {
        let ann = reviewer("ann")?;
        ok(ann.get("/cases")?);
        let other = |claims: Value| Reviewer::with(bench(), "ann", &claims);
        let (head, tail) = ann.token().rsplit_once('.').context("no signature")?;
        let forged = format!("{head}.{}", tail.chars().rev().collect::<String>());
        for refused_token in [
            ann.with_token(None),
            ann.with_token(Some("token")),
            ann.with_token(Some(&forged)),
            other(json!({"exp": 1_700_000_000}))?,
            other(json!({"iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Other"}))?,
            other(json!({"scope": "openid review/decide"}))?,
        ] {
            refused(&refused_token.get("/cases")?, 401, ApiError::NotAuthenticated.code());
        }
        refused(&other(json!({"client_id": "another"}))?.get("/cases")?, 403, ApiError::NotAuthorized.code());
        refused(&other(json!({"token_use": "id"}))?.get("/cases")?, 403, ApiError::NotAuthorized.code());
        let claim = "/cases/e2e_desk-unknown_/0123456789abcde-1/claim";
        refused(&other(json!({"scope": "openid review/read"}))?.post(claim)?, 401, ApiError::NotAuthenticated.code());
        refused(&ann.post(claim)?, 404, CaseRefusal::NotFound.code());
        let decides = other(json!({"scope": "openid review/read review/decide"}))?;
        for path in ["/applications/e2e_desk-unknown_/reopen", "/applications/e2e_desk-unknown_/appeal"] {
            let because = json!({"reason": "A test."});
            refused(&decides.post_json(path, "key", &because)?, 401, ApiError::NotAuthenticated.code());
            refused(&ann.post_json(path, "key", &because)?, 404, CaseRefusal::ApplicationNotFound.code());
        }
        let replay = "/executions/bonafide-dev-onboarding~e2e-0123456789abcde/replay";
        refused(&ann.post_json(replay, "key", &json!({"dryRun": true}))?, 404, CaseRefusal::ExecutionNotFound.code());
        // A decision without a key never reaches a worker.
        refused(&ann.get("/cases?status=open")?, 400, ApiError::RequestInvalid.code());
        // What the description says about each code is what the workers answer.
        let codes = &ann.description()?["x-error-codes"];
        for refusal in CaseRefusal::ALL {
            let expected = json!({"status": refusal.status(), "error": refusal.sentence()});
            ensure!(codes[refusal.code()] == expected, "{}: {}", refusal.code(), codes[refusal.code()]);
        }
        Ok(())
    });
}

#[test]
fn the_command_reviews_through_the_same_api() {
    let id = "e2e_desk-command_";
    bench().run(async {
        let (sent, case) = in_review(id).await?;
        let case = format!("{id}/{case}");
        let review = |arguments: &[&str]| bonafide(&[&["review"], arguments, &["--as", "ann", "--json"]].concat());
        let listed = json_lines(&review(&["list", "--limit", "1000"]));
        ensure!(listed.iter().any(|found| found["applicationId"] == id), "{listed:?}");
        let shown = json_lines(&review(&["show", &case]));
        ensure!(shown[0]["case"]["applicationId"] == id, "{shown:?}");
        let text = bonafide(&["review", "show", &case, "--as", "bob"]).stdout;
        ensure!(String::from_utf8_lossy(&text).contains("an approval needs two people"), "{text:?}");

        let decline: &[&str] = &["decide", &case, "decline", "--reason", "FACE_MISMATCH", "--note", "Another person."];
        let refused = review(decline);
        ensure!(refused.status.code() == Some(1), "{refused:?}");
        ensure!(String::from_utf8_lossy(&refused.stderr).contains(CaseRefusal::NotClaimed.code()), "{refused:?}");
        let note: &[&str] = &["note", &case, "Another haircut."];
        for arguments in [&["claim", &case][..], &["release", &case], note, &["claim", &case], decline] {
            let done = review(arguments);
            ensure!(done.status.success(), "{arguments:?}: {done:?}");
        }
        let record = sent.record_when(|record| record["status"] == "DECIDED").await?;
        ensure!(record["outcome"] == "declined", "{record}");
        // What a reviewer has declined can be appealed.
        let appealed = as_ann(&["appeal", id, "--reason", "Only a haircut.", "--json"]);
        ensure!(json_lines(&appealed)[0]["status"] == "IN_PROGRESS", "{appealed:?}");
        let new = json_lines(&appealed)[0]["submissionId"].as_str().context("no submission")?.to_owned();
        bench().decide(id, &format!("{new}-1"), Some(("decline", &["FACE_MISMATCH"]))).await?;
        ensure!(review(&["show", "unknown/0123456789abcde-1"]).status.code() == Some(3), "an unknown case");
        ensure!(bonafide(&["review", "list", "--as", "eve"]).status.code() == Some(2), "an unknown reviewer");
        ensure!(bonafide(&["review", "list"]).status.code() == Some(2), "no reviewer");
        Ok(())
    });
}

/// The pages of the pool, without a browser: the command waits, the page sends its code to it.
#[test]
fn a_reviewer_signs_in_with_the_browser() {
    bench().run(async {
        let bench = bench();
        let pool = bench.deployment.review("ReviewUserPoolId")?;
        let (name, password) = ("carla@bank.example", "A-long-passw0rd-for-tests");
        let cognito = |operation: &str, more: Value| {
            let mut body = json!({"UserPoolId": pool, "Username": name});
            body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            bench.local.raw("cognito-idp", &format!("AWSCognitoIdentityProviderService.{operation}"), &body)
        };
        cognito("AdminCreateUser", json!({"MessageAction": "SUPPRESS", "TemporaryPassword": password}))?;
        cognito("AdminSetUserPassword", json!({"Password": password, "Permanent": true}))?;
        let mut command = std::process::Command::new(operators_command()?);
        command.args(["--endpoint-url", bench.local.endpoint(), "--region", "us-east-1", "review", "sign-in"]);
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        let mut waiting = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(waiting.stderr.take().context("no stderr")?).lines();
        let address = loop {
            let line = lines.next().context("no address")??;
            if line.contains("/oauth2/authorize?") {
                break line.trim().to_owned();
            }
        };
        let config = ureq::Agent::config_builder().max_redirects(0).max_redirects_will_error(false).build();
        let browser: ureq::Agent = config.into();
        let (_, query) = address.split_once('?').context("no query")?;
        ensure!(query.contains("code_challenge_method=S256"), "{query}");
        browser.get(&address).call()?;
        let form = format!("{query}&username={}&password={password}", name.replace('@', "%40"));
        let login = browser.post(format!("{}/login", bench.local.endpoint()));
        let answer = login.content_type("application/x-www-form-urlencoded").send(form)?;
        let location = answer.headers().get("location").context("no redirect")?.to_str()?.to_owned();
        // Another program cannot end the wait.
        let here = location.replace("localhost", "127.0.0.1");
        browser.get(here.replace("state=", "state=x")).call()?;
        browser.get(&here).call()?;
        let mut token = String::new();
        waiting.stdout.take().context("no stdout")?.read_to_string(&mut token)?;
        ensure!(waiting.wait()?.success(), "the command failed");
        ok(reviewer("ann")?.with_token(Some(token.trim())).get("/cases")?);
        Ok(())
    });
}
