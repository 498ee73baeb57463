//! The two public-domain portraits from which all faces are made.

use crate::{Error, picture::Picture, warp::Point};

/// Columns of a portrait, and of each drawn face.
pub const WIDTH: usize = 400;
/// Rows of a portrait, and of each drawn face.
pub const HEIGHT: usize = 500;

/// One of the two portraits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Portrait {
    /// Rear Admiral Grace Hopper: official photograph of the US Navy.
    #[default]
    Hopper,
    /// Eileen Collins: official photograph of NASA.
    Collins,
}

impl Portrait {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Hopper => Self::Collins,
            Self::Collins => Self::Hopper,
        }
    }

    /// The photograph, opaque where the person is and transparent elsewhere.
    pub(crate) fn cut_out(self) -> Result<Picture, Error> {
        let (photograph, mask): (&[u8], &[u8]) = match self {
            Self::Hopper => (include_bytes!("../portraits/hopper.jpg"), include_bytes!("../portraits/hopper-mask.png")),
            Self::Collins => {
                (include_bytes!("../portraits/collins.jpg"), include_bytes!("../portraits/collins-mask.png"))
            }
        };
        let mut picture = Picture::decode(photograph)?;
        let mask = Picture::decode(mask)?;
        for (pixel, opacity) in picture.pixels.iter_mut().zip(&mask.pixels) {
            pixel[3] = opacity[0] / 255.0;
        }
        Ok(picture)
    }

    /// The usual 68 points of a face: jaw 0–16, brows 17–26, nose 27–35, eyes 36–47, mouth 48–67.
    pub(crate) fn landmarks(self) -> &'static [Point; 68] {
        match self {
            Self::Hopper => &HOPPER,
            Self::Collins => &COLLINS,
        }
    }
}

#[rustfmt::skip]
const HOPPER: [Point; 68] = [
    [100.5, 240.5], [103.0, 266.0], [107.5, 290.5], [112.5, 314.5], [119.0, 338.5], [129.0, 361.0],
    [146.5, 378.0], [168.0, 389.0], [195.5, 392.5], [223.5, 390.5], [245.5, 380.5], [264.5, 365.0],
    [278.0, 343.5], [286.0, 319.5], [292.0, 294.5], [297.0, 268.0], [300.0, 240.5], [113.0, 226.5],
    [121.5, 209.0], [139.5, 200.5], [160.0, 201.0], [178.5, 207.0], [221.0, 206.5], [239.0, 199.5],
    [258.5, 199.0], [276.0, 207.0], [286.0, 223.0], [200.5, 229.0], [201.0, 248.0], [201.0, 266.5],
    [201.0, 285.5], [176.0, 294.0], [187.5, 298.0], [200.0, 302.0], [212.5, 298.5], [223.0, 295.0],
    [137.5, 233.5], [147.5, 226.0], [159.0, 226.0], [170.0, 234.5], [159.0, 236.0], [147.0, 237.0],
    [229.5, 235.5], [240.5, 226.5], [252.5, 226.5], [262.0, 234.0], [252.5, 237.0], [241.0, 237.0],
    [158.0, 331.5], [171.5, 325.5], [186.0, 323.0], [197.0, 326.5], [208.5, 324.0], [222.0, 326.5],
    [235.0, 331.5], [222.0, 339.5], [208.5, 343.5], [197.0, 345.0], [185.0, 343.5], [171.0, 339.0],
    [163.0, 330.5], [185.5, 331.0], [197.0, 332.5], [208.5, 331.0], [229.5, 331.5], [208.5, 333.0],
    [197.0, 334.0], [186.0, 332.5],
];

#[rustfmt::skip]
const COLLINS: [Point; 68] = [
    [103.0, 239.5], [105.0, 264.0], [108.5, 288.0], [112.0, 312.0], [119.0, 336.0], [133.0, 357.0],
    [152.5, 373.5], [173.0, 388.0], [197.0, 392.0], [222.0, 388.0], [245.0, 374.5], [265.0, 357.0],
    [279.5, 336.0], [287.5, 312.0], [292.0, 286.5], [296.5, 262.0], [299.0, 236.0], [116.0, 218.0],
    [128.0, 204.5], [145.5, 201.5], [163.0, 204.0], [180.0, 211.0], [221.0, 211.5], [237.0, 204.5],
    [254.5, 203.0], [272.0, 205.5], [283.5, 218.0], [200.5, 231.0], [201.0, 248.5], [201.5, 265.5],
    [202.0, 283.5], [179.5, 293.0], [190.5, 295.5], [201.0, 298.5], [212.0, 295.0], [222.0, 292.5],
    [135.5, 231.5], [147.0, 224.0], [160.5, 225.0], [172.5, 235.0], [159.5, 237.0], [145.5, 236.5],
    [226.0, 235.5], [238.5, 225.0], [252.0, 224.5], [264.0, 231.5], [252.5, 236.5], [239.5, 237.0],
    [151.0, 311.5], [169.0, 310.5], [187.0, 310.5], [200.0, 313.0], [213.0, 310.0], [229.5, 309.5],
    [247.5, 310.0], [231.0, 332.5], [213.5, 342.0], [199.5, 344.0], [185.5, 342.5], [167.5, 333.0],
    [157.0, 314.0], [187.0, 318.0], [199.5, 319.5], [213.0, 317.5], [241.0, 313.0], [213.0, 331.5],
    [199.5, 333.0], [186.0, 332.0],
];
