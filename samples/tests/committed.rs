//! The committed files: up to date, well-formed where they should be, and small.

use std::{collections::BTreeSet, fs, io::Cursor, io::Read as _, path::Path};

use bonafide_samples::{
    catalog::{self, SAMPLES, Sample, Submission},
    nordic::{self, SELFIES, SPECIMENS},
    package::HEADER,
};

/// The samples whose package is intentionally incomplete.
const BROKEN: &[&str] = &["not-a-zip", "zip-bomb", "path-traversal", "selfie-missing", "details-unreadable"];

fn committed(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Floating-point results differ in their last digit between kinds of processors, which changes some pixels.
#[cfg(target_arch = "x86_64")]
#[test]
fn are_what_the_generator_draws() {
    let files = [catalog::files(), nordic::files()].into_iter().flat_map(|files| files.expect("they can be drawn"));
    for (name, drawn) in files {
        assert!(committed(&name) == drawn, "{name} is stale: run `cargo run -p bonafide-samples`");
    }
}

/// The pictures that are uploaded in conversations.
fn of_conversations() -> impl Iterator<Item = &'static str> {
    SPECIMENS.iter().map(|specimen| specimen.file).chain(SELFIES.iter().map(|(file, _)| *file))
}

/// The packages and pictures that `samples.json`, `nordic.json` and `conversations.json` name.
fn listed() -> impl Iterator<Item = &'static str> {
    SAMPLES.iter().flat_map(Sample::files).chain(of_conversations())
}

#[test]
fn are_all_listed() {
    let mut found = BTreeSet::new();
    for folder in ["packages", "uploads", "nordic"] {
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).expect("the folder") {
            found.insert(format!("{folder}/{}", entry.expect("an entry").file_name().to_string_lossy()));
        }
    }
    assert_eq!(found, listed().map(str::to_owned).collect());
}

#[test]
fn are_small() {
    for file in listed() {
        let bytes = committed(file).len();
        assert!(bytes <= 400 * 1024, "{file}: {bytes} bytes");
    }
}

/// Id and file of each package that is a complete application.
fn complete() -> impl Iterator<Item = (&'static str, &'static str)> {
    SAMPLES.iter().filter(|sample| !BROKEN.contains(&sample.id)).filter_map(|sample| match sample.submission {
        Submission::Package { file, .. } => Some((sample.id, file)),
        Submission::Pictures { .. } => None,
    })
}

#[test]
fn are_jpeg_pictures_when_uploaded_alone() {
    let uploads: Vec<_> = SAMPLES.iter().flat_map(Sample::files).filter(|file| file.starts_with("uploads/")).collect();
    assert_eq!(uploads, ["uploads/late-document_selfie.jpg", "uploads/late-document_license.jpg"]);
    for file in uploads.into_iter().chain(of_conversations()) {
        assert!(committed(file).starts_with(b"\xff\xd8\xff"), "{file}");
    }
}

#[test]
fn hold_details_license_and_selfie() {
    for (id, file) in complete() {
        let mut archive = zip::ZipArchive::new(Cursor::new(committed(file))).expect("a zip");
        let names: Vec<String> = archive.file_names().map(|name| name.expect("a name").into_owned()).collect();
        let has_back = names.iter().any(|name| name.starts_with(&format!("{id}_license_back.")));
        assert_eq!(names.len(), 3 + usize::from(has_back), "{names:?}");
        for kind in ["license", "selfie"] {
            let name = names
                .iter()
                .find(|name| name.starts_with(&format!("{id}_{kind}.")))
                .unwrap_or_else(|| panic!("{id}: no {kind}"));
            let mut bytes = Vec::new();
            archive.by_name(name).expect("a member").read_to_end(&mut bytes).expect("readable");
            let signature: &[u8] = if name.rsplit('.').next() == Some("png") { b"\x89PNG" } else { b"\xff\xd8\xff" };
            assert!(bytes.starts_with(signature), "{name}");
        }
        let mut details = String::new();
        archive.by_name(&format!("{id}_details.csv")).expect("details").read_to_string(&mut details).expect("text");
        let lines: Vec<&str> = details.split("\r\n").collect();
        assert_eq!(lines.len(), 3, "{details}");
        assert_eq!((lines[0], lines[2]), (HEADER, ""));
    }
}

#[test]
fn have_png_and_jpeg_members() {
    let mut extensions = BTreeSet::new();
    for (_, file) in complete() {
        let archive = zip::ZipArchive::new(Cursor::new(committed(file))).expect("a zip");
        extensions.extend(
            archive.file_names().filter_map(|name| name.expect("a name").rsplit('.').next().map(str::to_owned)),
        );
    }
    assert_eq!(extensions.into_iter().collect::<Vec<_>>(), ["csv", "jpg", "png"]);
}
