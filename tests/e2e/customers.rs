//! An approval makes the person on the document a customer, once.

use anyhow::{Context as _, Result};
use bonafide_domain::UploadKind::Package;
use bonafide_tests::answers::{license, pass};
use bonafide_tests::bench::bench;
use bonafide_tools::control::Fault;
use bonafide_tools::packages::{details, document, members, zip};
use bonafide_tools::rows::plain;
use serde_json::{Value, json};

use crate::applicant::{customers, send};

/// Sends Ada's package with these details, waits for its outcome, and returns the submission's record.
async fn applied(id: &str, details: String) -> Result<Value> {
    let mut members = members(id, "");
    members[0].1 = details.into_bytes();
    send(Package, id, zip(&members)).await?.ended().await
}

#[test]
fn a_customer_is_the_person_on_the_document() {
    let (id, number) = ("e2e_customer_", "E514-172-80-861-0");
    bench().run(async {
        pass(id)?;
        license(id, number)?;
        let stated =
            details("e514 172 80 861 0").replace("Ada,Example", "ada,example").replace("Main St", "Main Street");
        let record = applied(id, stated).await?;
        assert_eq!((&record["outcome"], &record["reasons"]), (&json!("approved"), &json!([])), "{record}");

        let customers = customers(id).await?;
        let [customer] = &customers[..] else { panic!("{customers:?}") };
        let named = [
            ("firstName", "ADA"),
            ("lastName", "EXAMPLE"),
            ("dateOfBirth", "1957-01-12"),
            ("documentNumber", number),
            ("documentIssuer", "FLORIDA"),
            ("address", "8123 MAIN ST"),
            ("city", "TALLAHASSEE"),
            ("state", "FL"),
            ("zipCode", "32399"),
            ("status", "REGISTERED"),
            ("SK", "PROFILE"),
        ];
        for (name, value) in named {
            assert_eq!(customer[name], value, "{name}");
        }
        assert!(customer["PK"].as_str().unwrap_or_default().starts_with("US#FL-"), "{customer}");
        // The application keeps the stated details and names the customer.
        let row = plain(&bench().row(id).await?);
        assert_eq!((&row["FIRST_NAME"], &row["customerId"]), (&json!("ada"), &customer["customerId"]));
        Ok(())
    });
}

#[test]
fn one_licence_is_one_customer_however_it_is_written() {
    let number = "E514-172-80-862-0";
    let as_read = details(number);
    let spellings = [
        ("e2e_licence_", as_read.clone(), "approved"),
        ("e2e_licence-same_", as_read.clone(), "declined"),
        ("e2e_licence-no-state_", as_read.replace(",FL,", ",,"), "declined"),
        ("e2e_licence-other-state-name_", as_read.replace(",FL,", ",Florida,"), "declined"),
        ("e2e_licence-number_", as_read.replace(number, "e514172808620"), "declined"),
    ];
    bench().run(async {
        for (id, stated, outcome) in spellings {
            pass(id)?;
            license(id, number)?;
            let record = applied(id, stated).await?;
            let reasons: &[_] = if outcome == "approved" { &[] } else { &["CUSTOMER_ALREADY_REGISTERED"] };
            assert_eq!((&record["outcome"], &record["reasons"]), (&json!(outcome), &json!(reasons)), "{id}: {record}");
            assert_eq!(customers(id).await?.len(), usize::from(outcome == "approved"), "{id}");
        }
        Ok(())
    });
}

#[test]
fn a_document_without_an_issuer_is_referred() {
    let (id, number) = ("e2e_no-issuer_", "E514-172-80-863-0");
    bench().run(async {
        pass(id)?;
        let mut document = document(number);
        let fields = document["IdentityDocuments"][0]["IdentityDocumentFields"].as_array_mut();
        fields.context("no fields")?.retain(|field| field["Type"]["Text"] != "STATE_NAME");
        bench().local.control.add(&Fault::result("textract", "AnalyzeID", id, document))?;
        license(id, number)?;
        let record = applied(id, details(number)).await?;
        assert_eq!(
            (&record["outcome"], &record["reasons"]),
            (&json!("referred"), &json!(["DOCUMENT_ISSUER_UNREADABLE"])),
            "{record}"
        );
        assert!(customers(id).await?.is_empty());
        Ok(())
    });
}
