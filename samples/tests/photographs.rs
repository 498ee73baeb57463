//! The portrait of a document and the selfie beside it count as two photographs, but where the sample is about that.

use std::{fs, io::Cursor, io::Read as _, path::Path};

use bonafide_pictures::{FaceBox, compare};
use bonafide_samples::{
    catalog::{SAMPLES, Submission},
    license::{self, PORTRAIT},
    nordic::SELFIES,
    selfie,
};
use image::ImageReader;

/// The machine's threshold.
const ONE_PHOTOGRAPH: u32 = 20;

/// The samples whose selfie is the portrait itself.
const COPIES: [&str; 2] = ["selfie-is-the-portrait", "selfie-is-the-mirrored-portrait"];

/// The samples without two pictures of one face: broken packages, two faces, another face, or none.
const OTHERS: [&str; 9] = [
    "face-mismatch",
    "selfie-without-face",
    "not-a-zip",
    "selfie-two-faces",
    "document-without-portrait",
    "zip-bomb",
    "path-traversal",
    "selfie-missing",
    "selfie-blurred",
];

fn committed(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Licence and selfie of a sample.
fn pictures(sample: &Submission) -> [Vec<u8>; 2] {
    match sample {
        Submission::Package { file, .. } => {
            let mut archive = zip::ZipArchive::new(Cursor::new(committed(file))).expect("a zip");
            ["_license.", "_selfie."].map(|part| {
                let names: Vec<String> = archive.file_names().map(|name| name.expect("a name").into_owned()).collect();
                let name = names.iter().find(|name| name.contains(part)).expect("a member");
                let mut bytes = Vec::new();
                archive.by_name(name).expect("a member").read_to_end(&mut bytes).expect("readable");
                bytes
            })
        }
        Submission::Pictures { uploads } => ["_license", "_selfie"]
            .map(|part| committed(uploads.iter().find(|picture| picture.file.contains(part)).expect("a picture").file)),
    }
}

/// A face in pixels as Rekognition says it: in shares of the picture.
#[expect(clippy::cast_precision_loss, reason = "a few hundred pixels")]
fn boxed(picture: &[u8], [left, top, width, height]: [usize; 4]) -> FaceBox {
    let reader = ImageReader::new(Cursor::new(picture)).with_guessed_format().expect("bytes in memory");
    let (wide, high) = reader.into_dimensions().expect("a picture");
    let share = |pixels: usize, of: u32| pixels as f32 / of as f32;
    FaceBox { left: share(left, wide), top: share(top, high), width: share(width, wide), height: share(height, high) }
}

fn count([document, selfie]: &[Vec<u8>; 2], face: [usize; 4]) -> u32 {
    compare(selfie, boxed(selfie, face), document, boxed(document, license::FACE)).expect("two pictures")
}

#[test]
fn are_two_in_each_sample_but_the_copies() {
    let mut wrong = Vec::new();
    for sample in SAMPLES.iter().filter(|sample| !OTHERS.contains(&sample.id)) {
        let is_copy = COPIES.contains(&sample.id);
        // A portrait that was cut out has its face where every portrait has it.
        let [left, top, width, height] = license::FACE;
        let face = if is_copy { [left - PORTRAIT[0], top - PORTRAIT[1], width, height] } else { selfie::FACE };
        let counted = count(&pictures(&sample.submission), face);
        println!("{}: {counted}", sample.id);
        if (counted >= ONE_PHOTOGRAPH) != is_copy {
            wrong.push(sample.id);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn are_two_of_each_person_in_a_conversation() {
    for (file, _) in SELFIES {
        let counted = count(&[committed(&file.replace("-selfie", "")), committed(file)], selfie::FACE);
        println!("{file}: {counted}");
        assert!(counted < ONE_PHOTOGRAPH, "{file}: {counted}");
    }
}
