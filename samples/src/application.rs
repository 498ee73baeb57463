//! A whole application: licence, selfie and details that match, or differ as a sample needs.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    Error,
    face::Face,
    license::{Date, License, Wear},
    package::{self, Details, Member},
    picture::{Format, Picture},
    selfie::Shot,
};

/// The faces by name, as `faces.json` describes them.
///
/// # Errors
/// When that file is not valid.
pub fn faces() -> Result<BTreeMap<String, Face>, Error> {
    Ok(serde_json::from_str(include_str!("../faces.json"))?)
}

/// Draws the face with this name, as on documents. The result is cached, since many samples show the same face.
///
/// # Errors
/// When no face has this name.
pub fn face(name: &str) -> Result<Arc<Picture>, Error> {
    static DRAWN: Drawn = Mutex::new(BTreeMap::new());
    drawn(&DRAWN, name, Face::clone)
}

/// Draws the face with this name, as on selfies: a document's portrait is another photograph.
///
/// # Errors
/// When no face has this name.
pub fn face_on_selfies(name: &str) -> Result<Arc<Picture>, Error> {
    static DRAWN: Drawn = Mutex::new(BTreeMap::new());
    drawn(&DRAWN, name, Face::on_another_day)
}

type Drawn = Mutex<BTreeMap<String, Arc<Picture>>>;

fn drawn(cache: &Drawn, name: &str, change: fn(&Face) -> Face) -> Result<Arc<Picture>, Error> {
    let mut drawn = cache.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(picture) = drawn.get(name) {
        return Ok(Arc::clone(picture));
    }
    let faces = faces()?;
    let face = faces.get(name).ok_or_else(|| Error::UnknownFace(name.to_owned()))?;
    let picture = Arc::new(change(face).draw()?);
    drawn.insert(name.to_owned(), Arc::clone(&picture));
    Ok(picture)
}

/// An application with everything that can be varied: start from [`Application::new`] and change what matters.
#[derive(Debug, Clone)]
pub struct Application {
    /// The base name of its files.
    pub id: String,
    /// What is printed on the licence.
    pub license: License,
    /// The face on the licence.
    pub license_face: Option<String>,
    /// The condition of the licence.
    pub wear: Wear,
    /// The file format of the licence.
    pub license_format: Format,
    /// The licence whose back is in the package.
    pub license_back: Option<License>,
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
    /// An application in which everything matches: this licence, this face, details as printed.
    pub fn new(id: impl Into<String>, license: License, face: &str) -> Self {
        Self {
            id: id.into(),
            details: Details::of(&license),
            license,
            license_face: Some(face.to_owned()),
            wear: Wear::default(),
            license_format: JPEG,
            license_back: None,
            shot: Shot::default(),
            selfie_face: Some(face.to_owned()),
            companions: Vec::new(),
            selfie_format: JPEG,
        }
    }

    /// Details, licence, its back if there is one, and selfie, in this order.
    ///
    /// # Errors
    /// When a picture cannot be drawn.
    pub fn members(&self) -> Result<Vec<Member>, Error> {
        let mut members = vec![
            Member::details(&self.id, &self.details),
            Member::license(&self.id, &self.card()?, self.license_format)?,
        ];
        if let Some(license) = &self.license_back {
            members.push(Member::license_back(&self.id, &license.draw_back()?, self.license_format)?);
        }
        members.push(Member::selfie(&self.id, &self.selfie()?, self.selfie_format)?);
        Ok(members)
    }

    /// The licence alone.
    ///
    /// # Errors
    /// When it cannot be drawn.
    pub fn card(&self) -> Result<Picture, Error> {
        let portrait = self.license_face.as_deref().map(face).transpose()?;
        Ok(self.wear.apply(&self.license.draw(portrait.as_deref())?))
    }

    /// The selfie alone.
    ///
    /// # Errors
    /// When it cannot be drawn.
    pub fn selfie(&self) -> Result<Picture, Error> {
        let person = self.selfie_face.as_deref().map(face_on_selfies).transpose()?;
        let companions = self
            .companions
            .iter()
            .map(|(name, scale, at)| Ok((face_on_selfies(name)?, *scale, *at)))
            .collect::<Result<Vec<_>, Error>>()?;
        let companions: Vec<_> = companions.iter().map(|(picture, scale, at)| (&**picture, *scale, *at)).collect();
        self.shot.take(person.as_deref(), &companions)
    }

    /// The zip file.
    ///
    /// # Errors
    /// When a picture cannot be drawn or packed.
    pub fn zip(&self) -> Result<Vec<u8>, Error> {
        package::zip(&self.members()?)
    }
}

/// A specimen licence of Florida.
///
/// Its number has the form of Florida's (letter and 12 digits), with 999 where a real one encodes the day of birth. No real number
/// has 999 there.
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
