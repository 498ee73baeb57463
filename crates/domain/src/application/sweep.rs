//! Faces of the collection that no application names: which of them an approval may still keep.

use chrono::{DateTime, TimeDelta, Utc};

/// For so long after its end, AWS resumes an execution that failed
/// (<https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html>).
const REDRIVABLE: TimeDelta = TimeDelta::days(14);

/// Where the submission stands for which a face was indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It is judged.
    InProgress,
    /// It has its outcome, and that did not keep the face.
    Decided,
    /// It is approved, and its record says that the face was kept.
    Approved,
    /// The system could not judge it; it has recorded so at this time, after the end of the execution.
    Failed(DateTime<Utc>),
}

/// The face that the submission's application names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedFace {
    /// It names none.
    None,
    /// The one in question.
    This,
    /// Another one, which is in the collection.
    Another,
    /// Another one, which the collection lacks. The selfie is indexed again then, perhaps at this moment, and the face in question may be what
    /// comes of it.
    Missing,
}

/// What becomes of a face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sweep {
    /// An approval keeps it, or still may.
    Keep,
    /// No approval keeps it, and none will.
    Delete,
    /// The same, as soon as the submission is marked, so that its execution is not approved by a face that is gone.
    MarkAndDelete,
    /// It belongs to no submission or application that is recorded, or these contradict each other, and it stays: tables that are wrong or
    /// restored must not empty the collection.
    Unknown,
}

/// What becomes of a face that was indexed for this submission of this application; `None` is what is not recorded.
#[must_use]
pub fn sweep(judgement: Option<Judgement>, named: Option<NamedFace>, now: DateTime<Utc>) -> Sweep {
    let (Some(judgement), Some(named)) = (judgement, named) else { return Sweep::Unknown };
    match (named, judgement) {
        // A submission whose execution was lost is recorded as failed by another sweep.
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
    fn a_face_goes_when_no_approval_will_keep_it() {
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
    fn a_face_of_what_is_not_recorded_stays() {
        for named in NAMED {
            assert_eq!(sweep(None, Some(named), now()), Sweep::Unknown, "{named:?}");
        }
        assert_eq!(sweep(Some(Judgement::Decided), None, now()), Sweep::Unknown);
        assert_eq!(sweep(None, None, now()), Sweep::Unknown);
    }
}
