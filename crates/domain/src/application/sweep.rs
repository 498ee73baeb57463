//! Decides which faces of the collection are deleted: those that no approval keeps.

use chrono::{DateTime, TimeDelta, Utc};

/// How long after its end a failed execution can be redriven
/// (<https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html>).
const REDRIVABLE: TimeDelta = TimeDelta::days(14);

/// The state of the submission for which a face was indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It is being judged, or waits for a reviewer.
    InProgress,
    /// It has an outcome that did not keep the face.
    Decided,
    /// It was approved, and its record says that the face was kept.
    Approved,
    /// The system could not judge it. The time is that of the record, which is later than the end of the execution.
    Failed(DateTime<Utc>),
}

/// The face that the record of the application names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedFace {
    /// None.
    None,
    /// The one in question.
    This,
    /// Another face, which is in the collection.
    Another,
    /// Another face, which is not in the collection. Then the selfie is indexed again, perhaps at this moment, and the face in question
    /// may be the result.
    Missing,
}

/// What to do with a face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sweep {
    /// An approval keeps it, or may still keep it.
    Keep,
    /// No approval keeps it, and none will.
    Delete,
    /// The same, but first the submission is marked, so that its execution is not approved with a deleted face.
    MarkAndDelete,
    /// The submission or the application is not recorded, or the two contradict each other. The face stays: wrong or restored tables must
    /// not empty the collection.
    Unknown,
}

/// What to do with a face that was indexed for this submission of this application. `None` means that there is no record.
#[must_use]
pub fn sweep(judgement: Option<Judgement>, named: Option<NamedFace>, now: DateTime<Utc>) -> Sweep {
    let (Some(judgement), Some(named)) = (judgement, named) else { return Sweep::Unknown };
    match (named, judgement) {
        // If the execution was lost, the machine SweepSubmissions records the submission as failed.
        (NamedFace::This | NamedFace::Missing, _) | (_, Judgement::InProgress) => Sweep::Keep,
        (NamedFace::None | NamedFace::Another, Judgement::Decided) => Sweep::Delete,
        (NamedFace::None | NamedFace::Another, Judgement::Approved) => Sweep::Unknown,
        (NamedFace::None | NamedFace::Another, Judgement::Failed(at)) => {
            if now - at > REDRIVABLE {
                Sweep::MarkAndDelete
            } else {
                Sweep::Keep
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMED: [NamedFace; 4] = [NamedFace::None, NamedFace::This, NamedFace::Another, NamedFace::Missing];

    fn now() -> DateTime<Utc> {
        "2026-11-28T09:30:00.000Z".parse().expect("a time")
    }

    fn failed(milliseconds_ago: i64) -> Judgement {
        Judgement::Failed(now() - TimeDelta::milliseconds(milliseconds_ago))
    }

    #[test]
    fn deletes_a_face_that_no_approval_will_keep() {
        let days = |days: i64| days * 24 * 60 * 60 * 1000;
        for (judgement, expected) in [
            (Judgement::InProgress, Sweep::Keep),
            (Judgement::Decided, Sweep::Delete),
            (Judgement::Approved, Sweep::Unknown),
            (failed(0), Sweep::Keep),
            (failed(days(14)), Sweep::Keep),
            (failed(days(14) + 1), Sweep::MarkAndDelete),
            (failed(days(400)), Sweep::MarkAndDelete),
            // The clocks of two machines differ.
            (failed(-1), Sweep::Keep),
        ] {
            for named in NAMED {
                let is_kept = matches!(named, NamedFace::This | NamedFace::Missing);
                let expected = if is_kept { Sweep::Keep } else { expected };
                assert_eq!(sweep(Some(judgement), Some(named), now()), expected, "{judgement:?}, {named:?}");
            }
        }
    }

    #[test]
    fn a_face_without_records_stays() {
        for named in NAMED {
            assert_eq!(sweep(None, Some(named), now()), Sweep::Unknown, "{named:?}");
        }
        assert_eq!(sweep(Some(Judgement::Decided), None, now()), Sweep::Unknown);
        assert_eq!(sweep(None, None, now()), Sweep::Unknown);
    }
}
