//! A package of 200 MB needs no more memory than a small one: only its three members are read, in ranges.
//!
//! `cargo test --package unpack-package --test memory -- --nocapture` prints the figure.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    sync::Mutex,
};

use aws_sdk_dynamodb::operation::update_item::UpdateItemOutput;
use aws_sdk_s3::{
    Client,
    operation::{get_object::GetObjectOutput, head_object::HeadObjectOutput, put_object::PutObjectOutput},
};
use aws_smithy_mocks::{RuleMode, mock, mock_client};
use bonafide_worker::Submissions;
use serde_json::json;
use unpack_package::handle;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

const MIB: usize = 1024 * 1024;

const CSV: &[u8] =
    b"FIRST_NAME,LAST_NAME,CITY_IN_ADDRESS,ZIP_CODE_IN_ADDRESS,STATE_IN_ADDRESS,DOCUMENT_NUMBER,DATE_OF_BIRTH,ADDRESS\r\n\
      JANE,DOE,TALLAHASSEE,32399,FL,D123456579010,1/12/1957,123 MAIN ST";

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\0\0\x01\0\x08\x02\0\0\0";

/// The peak memory of this process in MiB (`VmHWM` of /proc/self/status).
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") / 1024
}

/// 198 MiB of ignored files of macOS, and the three members.
fn large_package() -> File {
    let mut writer = ZipWriter::new(tempfile::tempfile().expect("a file"));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let chunk = vec![0; MIB];
    for index in 0..22 {
        writer.start_file(format!("__MACOSX/{index}"), stored).expect("started");
        for _ in 0..9 {
            writer.write_all(&chunk).expect("written");
        }
    }
    for (name, bytes) in [("a_details.csv", CSV), ("a_license.png", PNG), ("a_selfie.png", PNG)] {
        writer.start_file(name, stored).expect("started");
        writer.write_all(bytes).expect("written");
    }
    writer.finish().expect("finished")
}

#[tokio::test]
async fn a_large_package_takes_little_memory() {
    let package = large_package();
    let size = package.metadata().expect("a file").len();
    assert!(size > 198 * MIB as u64);
    let package = Mutex::new(package);
    let head = mock!(Client::head_object)
        .then_output(move || HeadObjectOutput::builder().content_length(i64::try_from(size).expect("a size")).build());
    let get = mock!(Client::get_object).then_compute_output(move |request| {
        let (start, end) = request.range().expect("a range")["bytes=".len()..].split_once('-').expect("a range");
        let (start, end): (u64, u64) = (start.parse().expect("a number"), end.parse().expect("a number"));
        let mut part = vec![0; usize::try_from(end - start + 1).expect("a size")];
        let mut package = package.lock().expect("the file");
        package.seek(SeekFrom::Start(start)).expect("sought");
        package.read_exact(&mut part).expect("read");
        GetObjectOutput::builder().content_range(format!("bytes {start}-{end}/{size}")).body(part.into()).build()
    });
    let put = mock!(Client::put_object).then_output(|| PutObjectOutput::builder().version_id("v").build());
    let write = mock!(aws_sdk_dynamodb::Client::update_item).then_output(|| UpdateItemOutput::builder().build());
    let s3 = mock_client!(aws_sdk_s3, RuleMode::MatchAny, [&head, &get, &put]);
    let submissions =
        Submissions::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&write]), "submissions".into());
    let package = json!({"bucket": "evidence", "key": "evidence/a/0123456789abcde/package.zip", "versionId": "v"});
    let input = json!({"applicationId": "a", "submissionId": "0123456789abcde", "package": package});
    let input = serde_json::from_value(input).expect("an input");

    let before = peak();
    let output = handle(&s3, &submissions, input).await.expect("an output");
    let grown = peak() - before;

    println!("{} MiB archive: {grown} MiB more memory, {} ranges read", size / MIB as u64, get.num_calls());
    assert_eq!(serde_json::to_value(&output).expect("json")["outcome"], "pass");
    assert!(grown < 32, "{grown} MiB more than before");
}
