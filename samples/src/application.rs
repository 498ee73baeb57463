//! A whole application: licence, selfie and details that belong together, or differ where a sample wants it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    Failure,
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
pub fn faces() -> Result<BTreeMap<String, Face>, Failure> {
    Ok(serde_json::from_str(include_str!("../faces.json"))?)
}

/// Draws the face with this name, once: many samples show the same face.
///
/// # Errors
/// When there is none.
pub fn face(name: &str) -> Result<Arc<Picture>, Failure> {
    static DRAWN: Mutex<BTreeMap<String, Arc<Picture>>> = Mutex::new(BTreeMap::new());
    let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(picture) = drawn.get(name) {
        return Ok(Arc::clone(picture));
    }
    let picture = faces()?.get(name).ok_or_else(|| Failure::UnknownFace(name.to_owned()))?.draw()?;
    let picture = Arc::new(picture);
    drawn.insert(name.to_owned(), Arc::clone(&picture));
    Ok(picture)
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
        Ok(vec![
            Member::details(&self.id, &self.details),
            Member::license(&self.id, &self.card()?, self.license_format)?,
            Member::selfie(&self.id, &self.selfie()?, self.selfie_format)?,
        ])
    }

    /// The licence alone.
    ///
    /// # Errors
    /// When it cannot be drawn.
    pub fn card(&self) -> Result<Picture, Failure> {
        let portrait = self.license_face.as_deref().map(face).transpose()?;
        Ok(self.wear.apply(&self.license.draw(portrait.as_deref())?))
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
        let companions: Vec<_> = companions.iter().map(|(picture, scale, at)| (&**picture, *scale, *at)).collect();
        self.shot.take(person.as_deref(), &companions)
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
