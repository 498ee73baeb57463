//! The samples: what each package holds, and the verdict that it must get.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    Failure,
    face::Face,
    license::{Date, License, Wear},
    package::{self, Details, Member},
    picture::{Format, Picture},
    selfie::{Room, Shot},
};

/// One package and the verdict that it must get.
#[derive(Debug, Clone, Serialize)]
pub struct Sample {
    /// Names the package: `packages/<id>.zip`.
    pub id: &'static str,
    /// Where the package is, relative to `samples.json`.
    pub file: String,
    /// What is special about it.
    pub title: &'static str,
    /// Which runs it belongs to.
    pub suite: Suite,
    /// The verdict that it must get.
    pub expected: Expected,
    /// Samples that must have their verdict before this one is uploaded.
    pub after: Vec<&'static str>,
    #[serde(skip)]
    draw: fn(&'static str) -> Result<Vec<u8>, Failure>,
}

/// Which runs a sample belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Suite {
    /// The main verdicts.
    Core,
    /// Everything else.
    Full,
}

/// The verdict that a sample must get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Expected {
    /// `approved`, `declined`, `resubmit`, `referred` or `failed`.
    pub outcome: &'static str,
    /// The reason codes, in any order.
    pub reasons: Vec<&'static str>,
}

impl Sample {
    /// The bytes of its package.
    ///
    /// # Errors
    /// When a picture cannot be drawn or packed.
    pub fn package(&self) -> Result<Vec<u8>, Failure> {
        (self.draw)(self.id)
    }
}

/// `samples.json`: every sample, without its package.
///
/// # Errors
/// Never, as long as every text in it is valid.
pub fn index() -> Result<String, Failure> {
    Ok(serde_json::to_string_pretty(&samples())? + "\n")
}

/// The faces by name, as `faces.json` describes them.
///
/// # Errors
/// When that file is not valid.
pub fn faces() -> Result<BTreeMap<String, Face>, Failure> {
    Ok(serde_json::from_str(include_str!("../faces.json"))?)
}

/// Draws the face with this name.
///
/// # Errors
/// When there is none.
pub fn face(name: &str) -> Result<Picture, Failure> {
    faces()?.get(name).ok_or_else(|| Failure::UnknownFace(name.to_owned()))?.draw()
}

/// An application with everything that can be varied: start from [`Application::new`] and change what matters.
#[derive(Debug, Clone)]
pub struct Application {
    /// The base name of its files.
    pub id: String,
    /// What the licence says.
    pub license: License,
    /// The face on the licence.
    pub license_face: Option<String>,
    /// What happened to the licence.
    pub wear: Wear,
    /// The file format of the licence.
    pub license_format: Format,
    /// What the applicant states.
    pub details: Details,
    /// How the selfie was taken.
    pub shot: Shot,
    /// The face on the selfie.
    pub selfie_face: Option<String>,
    /// Further people on the selfie: face, scale, place.
    pub companions: Vec<(String, f32, [f32; 2])>,
    /// The file format of the selfie.
    pub selfie_format: Format,
}

/// Small enough to commit, good enough to read.
const JPEG: Format = Format::Jpeg { quality: 80 };

impl Application {
    /// An application in which everything fits: this licence, this face, details as printed.
    pub fn new(id: impl Into<String>, license: License, face: &str) -> Self {
        Self {
            id: id.into(),
            details: Details::of(&license),
            license,
            license_face: Some(face.to_owned()),
            wear: Wear::default(),
            license_format: JPEG,
            shot: Shot::default(),
            selfie_face: Some(face.to_owned()),
            companions: Vec::new(),
            selfie_format: JPEG,
        }
    }

    /// Details, licence and selfie, in this order.
    ///
    /// # Errors
    /// When a picture cannot be drawn.
    pub fn members(&self) -> Result<Vec<Member>, Failure> {
        let portrait = self.license_face.as_deref().map(face).transpose()?;
        let card = self.wear.apply(&self.license.draw(portrait.as_ref())?);
        Ok(vec![
            Member::details(&self.id, &self.details),
            Member::license(&self.id, &card, self.license_format)?,
            Member::selfie(&self.id, &self.selfie()?, self.selfie_format)?,
        ])
    }

    /// The selfie alone.
    ///
    /// # Errors
    /// When it cannot be drawn.
    pub fn selfie(&self) -> Result<Picture, Failure> {
        let person = self.selfie_face.as_deref().map(face).transpose()?;
        let companions = self
            .companions
            .iter()
            .map(|(name, scale, at)| Ok((face(name)?, *scale, *at)))
            .collect::<Result<Vec<_>, Failure>>()?;
        let companions: Vec<_> = companions.iter().map(|(picture, scale, at)| (picture, *scale, *at)).collect();
        self.shot.take(person.as_ref(), &companions)
    }

    /// The zip file.
    ///
    /// # Errors
    /// When a picture cannot be drawn or packed.
    pub fn zip(&self) -> Result<Vec<u8>, Failure> {
        package::zip(&self.members()?)
    }
}

/// A specimen licence of Florida.
///
/// Its number has the form of Florida's (letter and 12 digits) with 999 where a real one encodes the day of birth, which none can: nobody holds it.
#[must_use]
pub fn florida(
    number: &str,
    [first_names, last_name]: [&str; 2],
    [street, city, zip_code]: [&str; 3],
    born: Date,
    sex: &str,
) -> License {
    License {
        state_name: "FLORIDA".to_owned(),
        number: number.to_owned(),
        last_name: last_name.to_owned(),
        first_names: first_names.to_owned(),
        street: street.to_owned(),
        city: city.to_owned(),
        state: "FL".to_owned(),
        zip_code: zip_code.to_owned(),
        born,
        issued: Date::new(2024, 3, 18),
        // Beyond a real licence's eight years, so that the samples stay valid.
        expires: Date::new(2046, born.month, born.day),
        sex: sex.to_owned(),
        height: "5'-06\"".to_owned(),
        eyes: "BRN".to_owned(),
        class: "E".to_owned(),
    }
}

/// Every sample, in the order in which `samples.json` lists them.
#[must_use]
pub fn samples() -> Vec<Sample> {
    let sample = |id, suite, title, outcome, reasons: &[&'static str], draw| Sample {
        id,
        file: format!("packages/{id}.zip"),
        title,
        suite,
        expected: Expected { outcome, reasons: reasons.to_vec() },
        after: Vec::new(),
        draw,
    };
    let after = |earlier: &[&'static str], sample: Sample| Sample { after: earlier.to_vec(), ..sample };
    vec![
        sample("approved", Suite::Core, "Everything fits", "approved", &[], approved),
        sample(
            "face-mismatch",
            Suite::Core,
            "The selfie shows somebody else",
            "declined",
            &["FACE_MISMATCH"],
            face_mismatch,
        ),
        sample(
            "last-name-mismatch",
            Suite::Core,
            "Another last name than on the licence",
            "declined",
            &["LAST_NAME_MISMATCH"],
            last_name_mismatch,
        ),
        sample(
            "document-expired",
            Suite::Core,
            "The licence has expired",
            "declined",
            &["DOCUMENT_EXPIRED"],
            document_expired,
        ),
        sample(
            "selfie-without-face",
            Suite::Core,
            "The selfie shows an empty room",
            "resubmit",
            &["SELFIE_FACE_NOT_FOUND"],
            selfie_without_face,
        ),
        after(
            &["approved"],
            sample(
                "face-duplicate",
                Suite::Core,
                "An approved applicant again, under another name",
                "declined",
                &["FACE_DUPLICATE"],
                face_duplicate,
            ),
        ),
        sample(
            "license-unknown",
            Suite::Core,
            "The third party does not know the licence",
            "declined",
            &["LICENSE_UNKNOWN"],
            license_unknown,
        ),
        sample(
            "third-party-down",
            Suite::Core,
            "The third party is down for this licence",
            "failed",
            &["THIRD_PARTY_UNAVAILABLE"],
            third_party_down,
        ),
        sample("not-a-zip", Suite::Core, "A text file called zip", "resubmit", &["PACKAGE_NOT_A_ZIP"], not_a_zip),
    ]
}

fn approved(id: &str) -> Result<Vec<u8>, Failure> {
    let license = florida(
        "W325-618-84-999-0",
        ["NORA ELAINE", "WHITCOMBE"],
        ["412 PELICAN BAY ROAD", "TALLAHASSEE", "32301"],
        Date::new(1984, 6, 9),
        "F",
    );
    Application {
        license_format: Format::PalettePng,
        selfie_format: Format::PalettePng,
        shot: Shot { turn: 3.0, light: 1.05, ..Shot::default() },
        ..Application::new(id, license, "face-12")
    }
    .zip()
}

fn face_mismatch(id: &str) -> Result<Vec<u8>, Failure> {
    let license = florida(
        "T460-021-71-999-0",
        ["AGNES", "TILLERY"],
        ["77 HERON CREEK LANE", "OCALA", "34470"],
        Date::new(1971, 11, 23),
        "F",
    );
    Application {
        selfie_face: Some("face-02".to_owned()),
        shot: Shot { room: Room::Window, side_light: 0.3, ..Shot::default() },
        ..Application::new(id, license, "face-07")
    }
    .zip()
}

fn last_name_mismatch(id: &str) -> Result<Vec<u8>, Failure> {
    let license = florida(
        "H416-587-79-999-0",
        ["CLIFFORD DEAN", "HALVORSEN"],
        ["1508 CYPRESS HOLLOW DRIVE", "GAINESVILLE", "32601"],
        Date::new(1979, 2, 14),
        "M",
    );
    let mut application = Application::new(id, license, "face-06");
    "BRANTLEY".clone_into(&mut application.details.last_name);
    application.shot = Shot { room: Room::Shelf, turn: -4.0, warmth: 1.08, ..Shot::default() };
    application.zip()
}

fn document_expired(id: &str) -> Result<Vec<u8>, Failure> {
    let mut license = florida(
        "M640-661-63-999-0",
        ["ODETTE", "MARLOWE"],
        ["29 SANDPIPER COURT", "SARASOTA", "34236"],
        Date::new(1963, 8, 30),
        "F",
    );
    license.issued = Date::new(2011, 8, 12);
    license.expires = Date::new(2019, 8, 30);
    Application {
        shot: Shot { room: Room::Kitchen, turn: 5.0, scale: 1.4, ..Shot::default() },
        ..Application::new(id, license, "face-11")
    }
    .zip()
}

fn selfie_without_face(id: &str) -> Result<Vec<u8>, Failure> {
    let license = florida(
        "C436-421-88-999-0",
        ["INES MARIBEL", "CALDER"],
        ["640 MAGNOLIA POINT AVENUE", "PENSACOLA", "32501"],
        Date::new(1988, 4, 3),
        "F",
    );
    Application {
        selfie_face: None,
        shot: Shot { room: Room::Window, ..Shot::default() },
        ..Application::new(id, license, "face-08")
    }
    .zip()
}

fn face_duplicate(id: &str) -> Result<Vec<u8>, Failure> {
    let license = florida(
        "P623-864-86-999-0",
        ["WILMA JEAN", "PRESCOTT"],
        ["3301 OSPREY LANDING STREET", "KEY WEST", "33040"],
        Date::new(1986, 12, 1),
        "F",
    );
    Application {
        shot: Shot { room: Room::Garden, turn: -6.0, scale: 1.2, light: 0.92, yaw: 0.05, ..Shot::default() },
        ..Application::new(id, license, "face-12")
    }
    .zip()
}

fn license_unknown(id: &str) -> Result<Vec<u8>, Failure> {
    let license = florida(
        "F615-289-92-999-0",
        ["GRETA", "FAIRBANKS"],
        ["18 COQUINA SHELL WAY", "NAPLES", "34102"],
        Date::new(1992, 1, 27),
        "F",
    );
    Application {
        shot: Shot { room: Room::Garden, yaw: -0.06, blur: 1.0, ..Shot::default() },
        ..Application::new(id, license, "face-03")
    }
    .zip()
}

fn third_party_down(id: &str) -> Result<Vec<u8>, Failure> {
    let license = florida(
        "P230-520-75-999-0",
        ["LORNA BETH", "PICKETT"],
        ["905 TURTLE MOUND TERRACE", "LAKELAND", "33801"],
        Date::new(1975, 10, 18),
        "F",
    );
    Application {
        shot: Shot { room: Room::Shelf, side_light: -0.3, turn: 4.0, ..Shot::default() },
        ..Application::new(id, license, "face-10")
    }
    .zip()
}

/// A document saved under the wrong name is the commonest broken package.
#[expect(clippy::unnecessary_wraps, reason = "every sample's function has this form")]
fn not_a_zip(_id: &str) -> Result<Vec<u8>, Failure> {
    Ok(b"Dear team, please find my documents attached.\r\n".to_vec())
}
