//! Draws the samples: packages with specimen driver licences, selfies and details of people who do not exist, and specimen
//! documents of the Nordic countries.

pub mod application;
mod applications;
mod back;
pub mod catalog;
pub mod face;
pub mod license;
pub mod nordic;
pub mod package;
pub mod picture;
pub mod portrait;
mod pose;
pub mod selfie;
mod warp;

/// Why a sample could not be drawn or packed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A picture could not be read or written.
    #[error("could not read or write a picture")]
    Image(#[from] image::ImageError),
    /// A PNG file could not be written.
    #[error("could not write a PNG file")]
    Png(#[from] png::EncodingError),
    /// An SVG drawing is not valid.
    #[error("the drawing is not valid SVG")]
    Svg(#[from] resvg::usvg::Error),
    /// The text of a barcode cannot be written.
    #[error("the barcode could not be written")]
    Barcode(#[from] rxing::Exceptions),
    /// A drawing has no width or no height.
    #[error("the drawing has no pixels")]
    NoPixels,
    /// A face is so extreme that two of its points coincide.
    #[error("the shape of the face is too extreme: two of its points coincide")]
    PointsCoincide,
    /// A zip file could not be written.
    #[error("could not write a zip file")]
    Zip(#[from] zip::result::ZipError),
    /// A zip file could not be written.
    #[error("could not write a zip file")]
    Write(#[from] std::io::Error),
    /// The list of faces or of samples is not valid.
    #[error("the list of faces or of samples is not valid")]
    Json(#[from] serde_json::Error),
    /// No face has this name.
    #[error("there is no face with the name {0}")]
    UnknownFace(String),
}
