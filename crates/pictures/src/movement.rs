//! The one movement of the plane that explains most pairs of places: shift, turn and scale.

/// A place on a face, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Place {
    pub(crate) x: f32,
    pub(crate) y: f32,
}

/// A place, and where something that looks the same is on the other face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pair {
    pub(crate) from: Place,
    pub(crate) to: Place,
}

/// How far a place may be from where a movement takes it that two pairs define: both are a little off, and it grows with the distance.
const NEAR: f32 = 16.0;

/// How far a place may be from where the movement takes it that fits all pairs best.
const AT: f32 = 6.0;

/// Both faces are cut out by their boxes and scaled to one size, so the one is about as large as the other.
const LARGEST_FACTOR: f32 = 1.5;

/// Two places that are nearer to each other define no turn.
const APART: f32 = 16.0;

/// Pairs of pairs that are tried, in a fixed order. With 200 matches these are all.
const MOST_TRIED: usize = 20_000;

/// Features of different size often have the same place, and count once.
const SAME_PLACE: f32 = 2.0;

/// The number of different places that the best movement explains.
pub(crate) fn explained(pairs: &[Pair]) -> u32 {
    let steps = 1..pairs.len();
    let tried = steps.flat_map(|step| pairs.iter().zip(&pairs[step..])).take(MOST_TRIED);
    let movements = tried.filter_map(|(one, other)| Movement::through(one, other)).filter(Movement::is_possible);
    let Some(best) = movements.max_by_key(|movement| movement.explains(pairs, NEAR).count()) else {
        return 0;
    };
    let near: Vec<Pair> = best.explains(pairs, NEAR).copied().collect();
    let Some(fitted) = Movement::fitted(&near).filter(Movement::is_possible) else {
        return 0;
    };
    let mut places: Vec<&Pair> = Vec::new();
    for pair in fitted.explains(pairs, AT) {
        let is_new =
            |known: &&Pair| distance(known.from, pair.from) > SAME_PLACE && distance(known.to, pair.to) > SAME_PLACE;
        if places.iter().all(is_new) {
            places.push(pair);
        }
    }
    u32::try_from(places.len()).unwrap_or(u32::MAX)
}

/// Takes (x, y) to (cos · x − sin · y + right, sin · x + cos · y + down); both factors include the scale.
#[derive(Debug, Clone, Copy)]
struct Movement {
    cos: f32,
    sin: f32,
    right: f32,
    down: f32,
}

impl Movement {
    fn through(one: &Pair, other: &Pair) -> Option<Self> {
        let is_apart = distance(one.from, other.from) >= APART && distance(one.to, other.to) >= APART;
        is_apart.then(|| Self::fitted(&[*one, *other])).flatten()
    }

    /// The movement with the least squares of the distances.
    fn fitted(pairs: &[Pair]) -> Option<Self> {
        let middle_from = middle(pairs.iter().map(|pair| pair.from));
        let middle_to = middle(pairs.iter().map(|pair| pair.to));
        let (mut cos, mut sin, mut squares) = (0.0, 0.0, 0.0);
        for pair in pairs {
            let (x, y) = (pair.from.x - middle_from.x, pair.from.y - middle_from.y);
            let (u, v) = (pair.to.x - middle_to.x, pair.to.y - middle_to.y);
            cos += x * u + y * v;
            sin += x * v - y * u;
            squares += x * x + y * y;
        }
        if squares <= 0.0 {
            return None;
        }
        let turned = Self { cos: cos / squares, sin: sin / squares, right: 0.0, down: 0.0 };
        let there = turned.take(middle_from);
        Some(Self { right: middle_to.x - there.x, down: middle_to.y - there.y, ..turned })
    }

    fn is_possible(&self) -> bool {
        (1.0 / LARGEST_FACTOR..=LARGEST_FACTOR).contains(&self.cos.hypot(self.sin))
    }

    fn take(&self, place: Place) -> Place {
        Place {
            x: self.cos * place.x - self.sin * place.y + self.right,
            y: self.sin * place.x + self.cos * place.y + self.down,
        }
    }

    fn explains<'a>(&self, pairs: &'a [Pair], within: f32) -> impl Iterator<Item = &'a Pair> {
        pairs.iter().filter(move |pair| distance(self.take(pair.from), pair.to) <= within)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand at most")]
fn middle(places: impl ExactSizeIterator<Item = Place>) -> Place {
    let count = places.len() as f32;
    places.fold(Place { x: 0.0, y: 0.0 }, |sum, place| Place { x: sum.x + place.x / count, y: sum.y + place.y / count })
}

fn distance(one: Place, other: Place) -> f32 {
    (one.x - other.x).hypot(one.y - other.y)
}
