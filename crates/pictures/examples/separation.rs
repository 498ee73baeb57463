//! How well the count separates two photographs from two copies of one.
//!
//!     cargo run --release -p bonafide-pictures --example separation [-- <text>]
//!     cargo run --release -p bonafide-pictures --example separation -- <folder> <faces.csv> [<text>]
//!
//! The first form measures the photographs of `faces.csv` beside this file: four of public persons, from the tests of the Python package
//! `face_recognition`, whose source pip fetches into `target/`, and the two of `samples/portraits`. The second measures other ones.
//!
//! `faces.csv` has a heading and a line for each photograph of the folder: `file,left,top,width,height`, the last four as Rekognition
//! has them. Photographs of one person have one name but for digits at its end: `anna.jpg`, `anna2.jpg`. The portrait of each is
//! printed on a document, with which the photographs and every disguise are compared, or only the disguises with a text in their names.

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use bonafide_pictures::FaceBox;

#[path = "../tests/disguise/mod.rs"]
mod disguise;

use disguise::{Shot, disguises};

/// The source distribution with photographs of public persons. They are not part of this repository.
const SOURCE: &str = "face_recognition-1.3.0";

struct Photograph {
    person: String,
    shot: Shot,
    document: Shot,
}

fn read(folder: &Path, faces: &str) -> Result<Vec<Photograph>, Box<dyn Error>> {
    let mut photographs = Vec::new();
    for line in faces.lines().skip(1) {
        let [file, left, top, width, height] = *line.split(',').collect::<Vec<_>>() else {
            return Err(format!("not five columns: {line}").into());
        };
        let [left, top, width, height] = [left, top, width, height].map(str::parse);
        let face = FaceBox { left: left?, top: top?, width: width?, height: height? };
        let shot = Shot::of(&fs::read(folder.join(file))?, face)?;
        let name = Path::new(file).file_stem().and_then(|stem| stem.to_str()).unwrap_or(file);
        let person = name.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
        photographs.push(Photograph { person, document: shot.on_a_document(), shot });
    }
    Ok(photographs)
}

/// A box as another detector would draw it: shifted and larger by these shares of its size.
fn boxed(FaceBox { left, top, width, height }: FaceBox, shift: f32, growth: f32) -> FaceBox {
    FaceBox {
        left: left + width * (shift - growth / 2.0),
        top: top - height * (shift + growth / 2.0),
        width: width * (1.0 + growth),
        height: height * (1.0 + growth),
    }
}

/// The counts of a selfie, with boxes that fit and that do not fit so well; the largest stands for pictures that cannot be compared.
fn counts(selfie: &Shot, document: &Shot) -> Vec<u32> {
    let bytes = [selfie.jpeg(90), document.jpeg(90)];
    let boxed = [(0.0, 0.0), (0.05, 0.1), (-0.05, -0.1)].map(|(shift, growth)| boxed(selfie.face, shift, growth));
    boxed.map(|face| bonafide_pictures::compare(&bytes[0], face, &bytes[1], document.face).unwrap_or(u32::MAX)).to_vec()
}

fn row(name: &str, mut counts: Vec<u32>) {
    counts.sort_unstable();
    if let [least, .., most] = counts[..] {
        println!("| {name} | {} | {least} | {} | {most} |", counts.len(), counts[counts.len() / 2]);
    }
}

fn run(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let status = command.status().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed: {status}").into()) }
}

/// The folder of the photographs of `faces.csv`, which are fetched first.
fn fetched() -> Result<PathBuf, Box<dyn Error>> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = repository.join("target/separation");
    let images = folder.join(SOURCE).join("tests/test_images");
    if !images.exists() {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "download", "--no-deps", "--no-binary", ":all:", "--dest"]).arg(&folder);
        run(pip.arg(SOURCE.replace('-', "==")))?;
        run(Command::new("tar").arg("-xzf").arg(folder.join(format!("{SOURCE}.tar.gz"))).arg("-C").arg(&folder))?;
    }
    for portrait in ["collins.jpg", "hopper.jpg"] {
        fs::copy(repository.join("samples/portraits").join(portrait), images.join(portrait))?;
    }
    Ok(images)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (photographs, text) = match &arguments[..] {
        [folder, faces, text @ ..] => (read(Path::new(folder), &fs::read_to_string(faces)?)?, text.first()),
        text => (read(&fetched()?, include_str!("faces.csv"))?, text.first()),
    };
    println!("| compared with the document of a photograph | counts | least | middle | most |\n|---|---|---|---|---|");
    let mut others: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (index, one) in photographs.iter().enumerate() {
        for (_, other) in photographs.iter().enumerate().filter(|(other, _)| *other != index) {
            let whose = if one.person == other.person { "of the same person" } else { "of another person" };
            others.entry(whose).or_default().extend(counts(&other.shot, &one.document));
        }
    }
    for (whose, counts) in others {
        row(&format!("another photograph {whose}"), counts);
    }
    let copies = |of: fn(&Photograph) -> &Shot, disguise: &disguise::Disguise| {
        photographs.iter().flat_map(|one| counts(&disguise(of(one)), &one.document)).collect::<Vec<_>>()
    };
    row("the whole photograph", copies(|one| &one.shot, &(Box::new(Shot::clone) as _)));
    row("the whole document", copies(|one| &one.document, &(Box::new(Shot::clone) as _)));
    let wanted = |name: &str| text.is_none_or(|text| name.contains(text));
    for (name, disguise) in disguises().into_iter().filter(|(name, _)| wanted(name)) {
        let from_document: disguise::Disguise = Box::new(move |shot| disguise(&shot.cut(0.5)));
        row(&format!("its portrait {name}"), copies(|one| &one.document, &from_document));
    }
    Ok(())
}
