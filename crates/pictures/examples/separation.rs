//! How well the count separates two photographs from two copies of one.
//!
//!     cargo run --release -p bonafide-pictures --example separation -- <folder> <faces.csv> [<text>]
//!
//! `faces.csv` has a heading and a line for each photograph of the folder: `file,left,top,width,height`, the last four as Rekognition
//! has them. Photographs of one person have one name but for digits at its end: `anna.jpg`, `anna2.jpg`. The portrait of each is
//! printed on a document, with which the photographs and every disguise are compared, or only the disguises with a text in their names.

use std::{collections::BTreeMap, error::Error, fs, path::Path};

use bonafide_pictures::FaceBox;

#[path = "../tests/disguise/mod.rs"]
mod disguise;

use disguise::{Shot, disguises};

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

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, faces, text @ ..] = &arguments[..] else {
        return Err("name a folder of photographs and the table of its faces".into());
    };
    let photographs = read(Path::new(folder), &fs::read_to_string(faces)?)?;
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
    let wanted = |name: &str| text.first().is_none_or(|text| name.contains(text));
    for (name, disguise) in disguises().into_iter().filter(|(name, _)| wanted(name)) {
        let from_document: disguise::Disguise = Box::new(move |shot| disguise(&shot.cut(0.5)));
        row(&format!("its portrait {name}"), copies(|one| &one.document, &from_document));
    }
    Ok(())
}
