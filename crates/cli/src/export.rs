//! Everything that is stored about one application, in one file: its records as JSON, its evidence, and a page that explains them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{Cursor, Write as _};
use std::path::Path;

use bonafide_domain::{ApplicationId, DetailsColumn, ReasonCode};
use bonafide_records::plain;
use serde_json::{Map, Value};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::deployment::Deployment;
use crate::error::Error;
use crate::{audit, row};

/// The names of the files with records, and what is in them.
const FILES: [(&str, &str); 5] = [
    ("application.json", "The application: its result, what you stated, and what your document says."),
    ("submissions.json", "Each upload, with the results and scores of each check."),
    ("cases.json", "What people have decided, and what they have noted about it."),
    ("customer.json", "You as a customer, once the application was approved."),
    ("decisions.json", "The decision records: when what was decided, and who has looked at your data."),
];

/// The records and the evidence.
#[derive(Debug, Default)]
pub struct Export {
    /// By the file of [`FILES`] in which they are.
    records: [Value; FILES.len()],
    /// When what has happened, by the decision records.
    events: Vec<(String, String)>,
    /// Keys and contents of all packages and pictures.
    objects: Vec<(String, Vec<u8>)>,
}

impl Export {
    /// Reads everything, with the credentials of the operator.
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn read(
        dynamodb: &aws_sdk_dynamodb::Client,
        s3: &aws_sdk_s3::Client,
        deployment: &Deployment,
        id: &ApplicationId,
    ) -> Result<Self, Error> {
        let of = |table: &'static str| async move {
            let table = deployment.data(table)?;
            let by = ("applicationId", id.as_str());
            row::whole(dynamodb, (table, None), by, "read the records of the application").await
        };
        let list = |mut items: Vec<row::Item>| {
            // With the token, an execution could be continued.
            for item in &mut items {
                item.remove("taskToken");
            }
            items.iter().map(plain).collect::<Value>()
        };
        let one = |items: Vec<row::Item>| items.first().map(plain).unwrap_or_default();
        let decisions = of("DecisionsTableName").await?;
        let told = |record| (row::text(record, "at").unwrap_or_default(), audit::sentence(record));
        let events = decisions.iter().map(told).collect();
        let records = [
            one(of("ApplicationsTableName").await?),
            list(of("SubmissionsTableName").await?),
            list(of("CasesTableName").await?),
            one(customers(dynamodb, deployment.data("CustomersTableName")?, id).await?),
            list(decisions),
        ];
        let consented = records[0]["consentedAt"].as_str().and_then(|at| at.parse().ok());
        let prefixes = id.object_prefixes(consented);
        let objects = objects(s3, deployment.data("BucketName")?, &prefixes).await?;
        Ok(Self { records, events, objects })
    }

    /// The number of pictures and packages.
    #[must_use]
    pub fn objects(&self) -> usize {
        self.objects.len()
    }

    /// Writes the archive. Only the owner may read it.
    ///
    /// # Errors
    /// When the file exists, or cannot be written.
    pub fn write(&self, id: &ApplicationId, path: &Path) -> Result<(), Error> {
        let refused = |error: &std::io::Error| {
            Error::Usage(format!(
                "{} cannot be written ({}): name a new file in a folder that exists",
                path.display(),
                error.kind()
            ))
        };
        let bytes = self.zip(id).map_err(|error| refused(&error))?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(|error| refused(&error))?;
        file.write_all(&bytes).map_err(|error| refused(&error))
    }

    fn zip(&self, id: &ApplicationId) -> std::io::Result<Vec<u8>> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        archive.start_file("index.html", options)?;
        archive.write_all(self.page(id).as_bytes())?;
        for ((name, _), record) in FILES.iter().zip(&self.records) {
            archive.start_file(*name, options)?;
            archive.write_all(serde_json::to_string_pretty(record)?.as_bytes())?;
        }
        for (key, content) in &self.objects {
            archive.start_file(key.as_str(), options)?;
            archive.write_all(content)?;
        }
        Ok(archive.finish()?.into_inner())
    }

    /// A page without scripts, for the person.
    fn page(&self, id: &ApplicationId) -> String {
        let [application, submissions, cases, customer, _] = &self.records;
        let mut page = String::from(HEAD);
        paragraph(&mut page, &format!("This is everything that is stored about the application {id}."));
        heading(&mut page, "Result");
        table(
            &mut page,
            &named(application, &["status", "outcome", "receivedAt", "decidedAt", "retention", "retentionFrom"]),
        );
        reasons(&mut page, application);
        heading(&mut page, "What you stated");
        let columns: Vec<_> = DetailsColumn::ALL.map(DetailsColumn::name).into();
        table(&mut page, &named(application, &columns));
        for (attribute, title) in
            [("documentFields", "What your document says"), ("barcodeFields", "What the barcode of your document says")]
        {
            let mut records = [application].into_iter().chain(submissions.as_array().into_iter().flatten());
            if let Some(fields) = records.find_map(|record| record[attribute].as_object()) {
                heading(&mut page, title);
                table(&mut page, &all(fields));
            }
        }
        heading(&mut page, "Your uploads");
        paragraph(&mut page, "Programs have checked each upload. Where a check had a doubt, people have decided.");
        for submission in submissions.as_array().into_iter().flatten() {
            let mut rows = named(submission, &["submissionId", "kind", "attempt", "status", "outcome", "receivedAt"]);
            let consent = named(&submission["consent"], &["version", "at"]);
            rows.extend(consent.into_iter().map(|(name, value)| (format!("consent, {name}"), value)));
            table(&mut page, &rows);
            reasons(&mut page, submission);
        }
        if let Some(cases) = cases.as_array().filter(|cases| !cases.is_empty()) {
            heading(&mut page, "What people have decided");
            for case in cases {
                let mut rows = named(case, &["caseId", "status", "openedAt", "decidedAt"]);
                rows.extend(named(&case["decision"], &["outcome"]));
                table(&mut page, &rows);
                reasons(&mut page, case);
            }
        }
        if let Some(customer) = customer.as_object() {
            heading(&mut page, "You as a customer");
            table(&mut page, &all(customer));
        }
        heading(&mut page, "Pictures and packages");
        page += "<ul>\n";
        for (key, _) in &self.objects {
            let key = escaped(key);
            let _infallible = writeln!(page, "<li><a href=\"{key}\">{key}</a></li>");
        }
        page += "</ul>\n";
        heading(&mut page, "What has happened");
        table(&mut page, &self.events);
        heading(&mut page, "Files");
        table(&mut page, &FILES.map(|(name, is)| (name.to_owned(), is.to_owned())));
        page + "</main></body></html>\n"
    }
}

const HEAD: &str = "<!doctype html>
<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Your data</title>
<style>main{max-width:60rem;margin:2rem auto;font:1rem/1.5 sans-serif}table{border-collapse:collapse;margin:1rem 0}th,td{text-align:left;vertical-align:top;padding:.2rem 1rem .2rem 0}</style>
</head><body><main><h1>Your data</h1>
";

fn heading(page: &mut String, title: &str) {
    let _infallible = writeln!(page, "<h2>{}</h2>", escaped(title));
}

fn paragraph(page: &mut String, text: &str) {
    let _infallible = writeln!(page, "<p>{}</p>", escaped(text));
}

fn table(page: &mut String, rows: &[(String, String)]) {
    *page += "<table>\n";
    for (name, value) in rows {
        let _infallible = writeln!(page, "<tr><th>{}</th><td>{}</td></tr>", escaped(name), escaped(value));
    }
    *page += "</table>\n";
}

/// The sentences of a record's reasons.
fn reasons(page: &mut String, record: &Value) {
    let codes = record["reasons"].as_array().into_iter().flatten().filter_map(Value::as_str);
    for code in codes {
        match code.parse::<ReasonCode>() {
            Ok(reason) => paragraph(page, reason.applicant()),
            // A code of another version.
            Err(_) => paragraph(page, code),
        }
    }
}

fn named(record: &Value, names: &[&str]) -> Vec<(String, String)> {
    let present = names.iter().filter(|name| !record[**name].is_null());
    present.map(|name| ((*name).to_owned(), shown(&record[*name]))).collect()
}

fn all(members: &Map<String, Value>) -> Vec<(String, String)> {
    members.iter().map(|(name, value)| (name.clone(), shown(value))).collect()
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// The customer that the application has become.
async fn customers(
    client: &aws_sdk_dynamodb::Client,
    table: &str,
    id: &ApplicationId,
) -> Result<Vec<row::Item>, Error> {
    let action = "read the customer";
    let found = row::whole(client, (table, Some("byApplication")), ("applicationId", id.as_str()), action).await?;
    match found.first().and_then(|found| row::text(found, "PK")) {
        Some(key) => row::whole(client, (table, None), ("PK", &key), action).await,
        None => Ok(Vec::new()),
    }
}

/// The current versions of all objects with these prefixes.
async fn objects(
    client: &aws_sdk_s3::Client,
    bucket: &str,
    prefixes: &BTreeSet<String>,
) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let mut found = Vec::new();
    for prefix in prefixes {
        let mut pages = client.list_objects_v2().bucket(bucket).prefix(prefix).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| Error::from_sdk("list the packages and pictures", error))?;
            for key in page.contents().iter().filter_map(|object| object.key()) {
                let action = "read the packages and pictures";
                let object = client.get_object().bucket(bucket).key(key).send().await;
                let object = object.map_err(|error| Error::from_sdk(action, error))?;
                let content = object.body.collect().await;
                let content = content.map_err(|error| Error::NoAnswer { action, message: error.to_string() })?;
                found.push((key.to_owned(), content.to_vec()));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use aws_sdk_dynamodb::operation::query::QueryOutput;
    use aws_sdk_s3::operation::get_object::GetObjectOutput;
    use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
    use aws_sdk_s3::primitives::ByteStream;
    use aws_sdk_s3::types::Object;
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use serde_json::json;
    use zip::ZipArchive;

    use super::*;
    use crate::row::{key, s};
    use crate::submission::tests::m;

    fn has(table: &'static str, item: row::Item) -> Rule {
        mock!(aws_sdk_dynamodb::Client::query)
            .match_requests(move |request| request.table_name() == Some(table))
            .then_output(move || QueryOutput::builder().items(item.clone()).build())
    }

    fn deployment() -> Deployment {
        let tables = [
            ("ApplicationsTableName", "applications"),
            ("SubmissionsTableName", "submissions"),
            ("CasesTableName", "cases"),
            ("CustomersTableName", "customers"),
            ("DecisionsTableName", "decisions"),
            ("BucketName", "evidence"),
        ];
        Deployment::of("test", tables)
    }

    async fn exported() -> Export {
        let mut application = key([("applicationId", "a"), ("status", "DECIDED"), ("outcome", "declined")]);
        application.insert("FIRST_NAME".to_owned(), s("<script>Jane & \"Jo\"</script>"));
        application.insert("reasons".to_owned(), aws_sdk_dynamodb::types::AttributeValue::L(vec![s("FACE_MISMATCH")]));
        application.insert("consentedAt".to_owned(), s("2026-11-21T09:30:00.000Z"));
        application.insert("documentFields".to_owned(), m([("lastName", s("DOE"))]));
        let mut submission = key([("submissionId", "0123456789abcde")]);
        submission.insert("consent".to_owned(), m([("version", s("biometric-2026-03-en")), ("at", s("2026-11-28"))]));
        let rules = [
            has("applications", application),
            has("submissions", submission),
            has("cases", key([("caseId", "0123456789abcde-1"), ("taskToken", "a-token")])),
            has("customers", key([("PK", "US#FLORIDA-D1"), ("customerId", "c-1")])),
            has("decisions", key([("what", "dataRead"), ("who", "ann"), ("at", "2026-11-30T08:00:00.000Z")])),
        ];
        let dynamodb = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules.iter().collect::<Vec<_>>().as_slice());
        let [evidence, conversation] = [
            ("evidence/a/", "evidence/a/0123456789abcde/selfie.png"),
            ("onboard/DK/2026/11/21/a/", "onboard/DK/2026/11/21/a/document.png"),
        ]
        .map(|(prefix, key)| {
            mock!(aws_sdk_s3::Client::list_objects_v2)
                .match_requests(move |request| request.prefix() == Some(prefix))
                .then_output(move || {
                    ListObjectsV2Output::builder().contents(Object::builder().key(key).build()).build()
                })
        });
        let inboxes = mock!(aws_sdk_s3::Client::list_objects_v2)
            .match_requests(|request| request.prefix().is_some_and(|prefix| prefix.contains("/a")))
            .then_output(|| ListObjectsV2Output::builder().build());
        let get = mock!(aws_sdk_s3::Client::get_object)
            .then_output(|| GetObjectOutput::builder().body(ByteStream::from_static(b"a picture")).build());
        let s3 = mock_client!(aws_sdk_s3, RuleMode::MatchAny, [&evidence, &conversation, &inboxes, &get]);
        Export::read(&dynamodb, &s3, &deployment(), &"a".parse().unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn the_archive_has_records_evidence_and_a_page() {
        let folder = tempfile::tempdir().unwrap();
        let (path, id) = (folder.path().join("a.zip"), "a".parse().unwrap());
        let export = exported().await;
        export.write(&id, &path).unwrap();
        assert_eq!(export.objects(), 2);
        let mut archive = ZipArchive::new(std::fs::File::open(&path).unwrap()).unwrap();
        let mut read = |name: &str| {
            let mut text = String::new();
            archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
            text
        };
        for key in ["evidence/a/0123456789abcde/selfie.png", "onboard/DK/2026/11/21/a/document.png"] {
            assert_eq!(read(key), "a picture");
        }
        let customer: Value = serde_json::from_str(&read("customer.json")).unwrap();
        assert_eq!(customer["customerId"], "c-1");
        let cases: Value = serde_json::from_str(&read("cases.json")).unwrap();
        assert_eq!(cases, json!([{"caseId": "0123456789abcde-1"}]));
        let page = read("index.html");
        for text in [
            "DOE",
            ReasonCode::FaceMismatch.applicant(),
            "Reviewer ann read or exported the data of the applicant",
            "selfie.png",
            "decisions.json",
            "c-1",
            "biometric-2026",
        ] {
            assert!(page.contains(&escaped(text)), "{text}: {page}");
        }
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;Jane &amp; &quot;Jo&quot;"), "{page}");
        // A second export does not replace the first.
        let refused = export.write(&id, &path).unwrap_err();
        assert_eq!(refused.exit_code(), 2);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
