//! Decides whether a picture shows one face of sufficient quality.

use crate::{ReasonCode, Thresholds};

/// The attributes of one face that Rekognition returned; `None` for missing ones.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FaceFacts {
    /// Confidence that this is a face, 0 to 100.
    pub confidence: Option<f32>,
    /// 0 to 100.
    pub brightness: Option<f32>,
    /// 0 to 100.
    pub sharpness: Option<f32>,
    /// In degrees, to the side.
    pub yaw: Option<f32>,
    /// In degrees, upwards.
    pub pitch: Option<f32>,
    /// Confidence that the person wears sunglasses, 0 to 100.
    pub sunglasses: Option<f32>,
    /// Confidence that something covers the face, 0 to 100.
    pub covered: Option<f32>,
}

/// Accepts exactly one clear face that is bright, sharp, frontal and uncovered. Rules and thresholds are those of `IsOneClearFace` and
/// `IsFaceUsable` in the machine `IdentityVerification`.
///
/// # Errors
/// All the reasons that apply.
pub fn judge_faces(faces: &[FaceFacts], thresholds: &Thresholds) -> Result<(), Vec<ReasonCode>> {
    let above = |value: Option<f32>, limit: f64| value.is_some_and(|value| f64::from(value) > limit);
    let clear: Vec<_> = faces.iter().filter(|face| above(face.confidence, thresholds.face_confidence)).collect();
    let face = match (&clear[..], faces) {
        ([face], _) => face,
        ([], []) => return Err(vec![ReasonCode::SelfieFaceNotFound]),
        ([], [_]) => return Err(vec![ReasonCode::SelfieFaceUnclear]),
        _ => return Err(vec![ReasonCode::SelfieMultipleFaces]),
    };
    // A missing attribute does not count as good.
    let at_least = |value: Option<f32>, limit: f64| value.is_some_and(|value| f64::from(value) >= limit);
    let within =
        |value: Option<f32>, from: f64, to: f64| value.is_some_and(|value| (from..=to).contains(&value.into()));
    let frontal = within(face.yaw, -thresholds.yaw_to, thresholds.yaw_to)
        && within(face.pitch, thresholds.pitch_down_to, thresholds.pitch_up_to);
    let defects = [
        (!at_least(face.brightness, thresholds.brightness_from), ReasonCode::SelfieTooDark),
        (!at_least(face.sharpness, thresholds.sharpness_from), ReasonCode::SelfieTooBlurred),
        (!frontal, ReasonCode::SelfieFaceTurned),
        (above(face.sunglasses, thresholds.sunglasses_confidence), ReasonCode::SelfieSunglassesWorn),
        (above(face.covered, thresholds.face_covered_confidence), ReasonCode::SelfieFaceCovered),
    ];
    let reasons: Vec<_> = defects.into_iter().filter_map(|(applies, reason)| applies.then_some(reason)).collect();
    if reasons.is_empty() { Ok(()) } else { Err(reasons) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn judge_faces(faces: &[FaceFacts]) -> Result<(), Vec<ReasonCode>> {
        super::judge_faces(faces, &Thresholds::STANDARD)
    }

    const GOOD: FaceFacts = FaceFacts {
        confidence: Some(99.9),
        brightness: Some(60.0),
        sharpness: Some(40.0),
        yaw: Some(3.0),
        pitch: Some(-4.0),
        sunglasses: None,
        covered: None,
    };

    #[test]
    fn each_limit_is_inclusive_or_exclusive_as_documented() {
        let cases: [(FaceFacts, Option<ReasonCode>); 18] = [
            (GOOD, None),
            (FaceFacts { confidence: Some(99.0), ..GOOD }, Some(ReasonCode::SelfieFaceUnclear)),
            (FaceFacts { confidence: None, ..GOOD }, Some(ReasonCode::SelfieFaceUnclear)),
            (FaceFacts { brightness: Some(25.0), ..GOOD }, None),
            (FaceFacts { brightness: Some(24.9), ..GOOD }, Some(ReasonCode::SelfieTooDark)),
            (FaceFacts { brightness: None, ..GOOD }, Some(ReasonCode::SelfieTooDark)),
            (FaceFacts { sharpness: Some(10.0), ..GOOD }, None),
            (FaceFacts { sharpness: Some(f32::NAN), ..GOOD }, Some(ReasonCode::SelfieTooBlurred)),
            (FaceFacts { sharpness: Some(9.9), ..GOOD }, Some(ReasonCode::SelfieTooBlurred)),
            (FaceFacts { yaw: Some(-45.0), ..GOOD }, None),
            (FaceFacts { yaw: Some(45.1), ..GOOD }, Some(ReasonCode::SelfieFaceTurned)),
            (FaceFacts { yaw: Some(-45.1), ..GOOD }, Some(ReasonCode::SelfieFaceTurned)),
            (FaceFacts { pitch: Some(-30.1), ..GOOD }, Some(ReasonCode::SelfieFaceTurned)),
            (FaceFacts { pitch: Some(45.0), ..GOOD }, None),
            (FaceFacts { pitch: None, ..GOOD }, Some(ReasonCode::SelfieFaceTurned)),
            (FaceFacts { sunglasses: Some(90.0), ..GOOD }, None),
            (FaceFacts { sunglasses: Some(90.1), ..GOOD }, Some(ReasonCode::SelfieSunglassesWorn)),
            (FaceFacts { covered: Some(90.1), ..GOOD }, Some(ReasonCode::SelfieFaceCovered)),
        ];
        for (face, reason) in cases {
            assert_eq!(judge_faces(&[face]).err(), reason.map(|reason| vec![reason]), "{face:?}");
        }
    }

    #[test]
    fn unsure_faces_in_the_background_are_ignored() {
        let unsure = FaceFacts { confidence: Some(80.0), ..GOOD };
        assert_eq!(judge_faces(&[]), Err(vec![ReasonCode::SelfieFaceNotFound]));
        assert_eq!(judge_faces(&[unsure, GOOD, unsure]), Ok(()));
        assert_eq!(judge_faces(&[unsure, unsure]), Err(vec![ReasonCode::SelfieMultipleFaces]));
        assert_eq!(judge_faces(&[GOOD, GOOD]), Err(vec![ReasonCode::SelfieMultipleFaces]));
    }

    #[test]
    fn all_defects_are_returned_at_once() {
        let bad = FaceFacts { brightness: None, sharpness: None, yaw: None, sunglasses: Some(99.0), ..GOOD };
        assert_eq!(judge_faces(&[bad]).expect_err("reasons").len(), 4);
    }

    proptest! {
        #[test]
        fn any_faces_are_judged_and_no_reason_means_good(
            values in proptest::collection::vec(proptest::array::uniform7(proptest::option::of(any::<f32>())), 0..4),
        ) {
            let faces: Vec<_> = values
                .into_iter()
                .map(|[confidence, brightness, sharpness, yaw, pitch, sunglasses, covered]| FaceFacts {
                    confidence, brightness, sharpness, yaw, pitch, sunglasses, covered,
                })
                .collect();
            if let Err(reasons) = judge_faces(&faces) {
                prop_assert!(!reasons.is_empty());
                prop_assert!(reasons.iter().all(|reason| super::super::Refusal::PICTURE_REASONS.contains(reason)));
            }
        }
    }
}
