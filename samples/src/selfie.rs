//! Selfies: a drawn face in a room, as photographed with a phone.
#![expect(clippy::cast_precision_loss, reason = "pixel arithmetic: every value is small")]

use std::fmt::Write as _;

use crate::{
    Error,
    picture::{Noise, Picture},
    pose::{self, MIDDLE},
};

/// Columns of a selfie.
pub const WIDTH: usize = 480;
/// Rows of a selfie.
pub const HEIGHT: usize = 640;

/// About where the face is on a selfie of one person: left, top, width and height, in pixels.
pub const FACE: [usize; 4] = [109, 250, 262, 294];

/// What is behind the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Room {
    /// A plain wall with a soft shadow.
    #[default]
    Wall,
    /// A window and a curtain.
    Window,
    /// A shelf with books.
    Shelf,
    /// Tiles.
    Kitchen,
    /// Trees and sky, out of focus.
    Garden,
}

/// How the picture was taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shot {
    /// What is behind the person.
    pub room: Room,
    /// Size of the face: 1 is 400 × 500 pixels for head and shoulders.
    pub scale: f32,
    /// Where the middle of the face is, as shares of width and height.
    pub at: [f32; 2],
    /// Clockwise, in degrees.
    pub turn: f32,
    /// The head turned aside, in degrees: above 0 it is seen from its left.
    pub yaw: f32,
    /// How much brighter the right side of the head is than its left, by its form.
    pub relief: f32,
    /// Factor on the brightness of everything.
    pub light: f32,
    /// How much brighter the right side is than the left.
    pub side_light: f32,
    /// Factor on red, and its inverse on blue: above 1 is the light of a lamp.
    pub warmth: f32,
    /// Blur of the whole picture, in pixels.
    pub blur: f32,
    /// Grain, in steps of brightness.
    pub grain: f32,
}

impl Default for Shot {
    fn default() -> Self {
        Self {
            room: Room::Wall,
            scale: 1.25,
            at: [0.5, 0.62],
            turn: 0.0,
            yaw: -24.0,
            relief: 0.2,
            light: 1.0,
            side_light: 0.0,
            warmth: 1.0,
            blur: 3.0,
            grain: 10.0,
        }
    }
}

impl Shot {
    /// The picture of these people; `further` ones are beside the first, with their own scale and place.
    ///
    /// # Errors
    /// When the room cannot be drawn.
    pub fn take(&self, face: Option<&Picture>, further: &[(&Picture, f32, [f32; 2])]) -> Result<Picture, Error> {
        let mut picture = Picture::from_svg(&self.room.svg())?.blurred(3.0);
        for (face, scale, at) in further {
            self.stand(&mut picture, face, *scale, *at);
        }
        if let Some(face) = face {
            self.stand(&mut picture, face, self.scale, self.at);
        }
        let mut noise = Noise::new(11);
        for (i, pixel) in picture.pixels.iter_mut().enumerate() {
            let across = (i % WIDTH) as f32 / WIDTH as f32 - 0.5;
            let light = self.light * (1.0 + self.side_light * across);
            pixel[0] *= light * self.warmth;
            pixel[1] *= light;
            pixel[2] *= light / self.warmth;
        }
        picture = picture.blurred(self.blur);
        picture.recolour(|colour| {
            let grain = noise.around_zero() * self.grain;
            colour.map(|channel| (channel + grain).clamp(0.0, 255.0))
        });
        Ok(picture)
    }

    fn stand(&self, picture: &mut Picture, face: &Picture, scale: f32, at: [f32; 2]) {
        let (sin, cos) = self.turn.to_radians().sin_cos();
        let face = pose::turned(face, self.yaw, self.relief);
        let centre = [at[0] * WIDTH as f32, at[1] * HEIGHT as f32];
        let person = Picture::from_fn(WIDTH, HEIGHT, |x, y| {
            let (dx, dy) = (x as f32 - centre[0], y as f32 - centre[1]);
            let (u, v) = ((dx * cos + dy * sin) / scale, (dy * cos - dx * sin) / scale);
            let column = MIDDLE[0] + u;
            if column < 0.0 || column > face.width as f32 - 1.0 {
                return [0.0; 4];
            }
            face.at(column, MIDDLE[1] + v)
        });
        picture.lay(&person, 0, 0, 1.0);
    }
}

impl Room {
    fn svg(self) -> String {
        let inside = match self {
            Self::Wall => r##"<rect width="600" height="800" fill="url(#g)"/><defs><linearGradient id="g" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="#d8d3c8"/><stop offset="1" stop-color="#a9a396"/></linearGradient></defs><rect x="0" y="640" width="600" height="14" fill="#8d8778"/>"##.to_owned(),
            Self::Window => r##"<rect width="600" height="800" fill="#b9a58e"/><rect x="40" y="60" width="300" height="520" fill="#dfeaf2"/><rect x="180" y="60" width="18" height="520" fill="#f5f3ee"/><rect x="40" y="300" width="300" height="18" fill="#f5f3ee"/><path d="M340 20 Q390 300 350 800 L600 800 L600 20 Z" fill="#7d8f82"/><path d="M420 20 Q450 300 430 800 L470 800 Q490 300 460 20 Z" fill="#6b7d70"/>"##.to_owned(),
            Self::Shelf => {
                let mut books = String::from(r##"<rect width="600" height="800" fill="#6e5642"/>"##);
                let colours = ["#8c3b32", "#2f4f6b", "#5f7144", "#c2a35c", "#453a5a", "#b8b0a0"];
                for (row, top) in [(0_usize, 20), (1, 220), (2, 420), (3, 620)] {
                    for book in 0..14_usize {
                        let _ = write!(books,
                            r#"<rect x="{}" y="{}" width="{}" height="{}" fill="{}"/>"#,
                            book * 43 + 4,
                            top + (book * 7 + row * 5) % 3 * 12,
                            36,
                            170 - (book * 7 + row * 5) % 3 * 12,
                            colours[(book * 5 + row * 2) % colours.len()]
                        );
                    }
                }
                books
            }
            Self::Kitchen => {
                let mut tiles = String::from(r##"<rect width="600" height="800" fill="#93a3a0"/>"##);
                for row in 0..8 {
                    for column in 0..6 {
                        let _ = write!(tiles,
                            r#"<rect x="{}" y="{}" width="94" height="94" fill="{}"/>"#,
                            column * 100 + 3,
                            row * 100 + 3,
                            if (row + column) % 4 == 0 { "#c5d3cf" } else { "#d9e2df" }
                        );
                    }
                }
                tiles
            }
            Self::Garden => r##"<rect width="600" height="800" fill="#bcd3e0"/><path d="M0 300 Q150 220 300 310 T600 280 L600 800 L0 800 Z" fill="#6c8a55"/><path d="M0 430 Q200 380 420 450 T600 430 L600 800 L0 800 Z" fill="#557346"/><rect x="60" y="200" width="30" height="300" fill="#5b4a39"/><ellipse cx="75" cy="190" rx="90" ry="70" fill="#4d6b3d"/><ellipse cx="530" cy="230" rx="80" ry="95" fill="#5b7a48"/>"##.to_owned(),
        };
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 600 800">{inside}</svg>"#
        )
    }
}
