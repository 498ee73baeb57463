//! How long the data of an application are kept. The days are settings of the stage, which the machine `SweepRetention` applies.

use chrono::{DateTime, Days, Utc};

use crate::{CaseRefusal, Outcome};

/// By which of the stage's retentions the data of an application are kept. An application has none as long as the relationship with its
/// customer lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// The applicant has not come to an outcome that ends the application.
    Unfinished,
    /// The application was declined.
    Declined,
    /// No person has decided in time.
    Referred,
    /// The relationship with the customer has ended.
    Customer,
}

impl Retention {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Unfinished, Self::Declined, Self::Referred, Self::Customer];

    /// The name in the table and in the settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unfinished => "unfinished",
            Self::Declined => "declined",
            Self::Referred => "referred",
            Self::Customer => "customer",
        }
    }

    /// Parses the name in the table.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|retention| retention.name() == name)
    }

    /// Whether an application with this retention has a customer, or had one. What is sent to it later does not change how long its data
    /// are kept.
    #[must_use]
    pub const fn is_of_customer(retention: Option<Self>) -> bool {
        matches!(retention, None | Some(Self::Customer))
    }

    /// The one that follows from the outcome of a submission; `None` for a new customer. A package makes one when it is approved, and single
    /// pictures when the application has kept a face and its document is approved.
    #[must_use]
    pub const fn after(outcome: Outcome, is_customer: bool) -> Option<Self> {
        match outcome {
            _ if is_customer => None,
            Outcome::Approved | Outcome::Resubmit => Some(Self::Unfinished),
            Outcome::Declined => Some(Self::Declined),
            Outcome::Referred => Some(Self::Referred),
        }
    }
}

/// By which retention the data are kept, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The retention.
    pub retention: Retention,
    /// When it began: with the last decision, or the end of the relationship.
    pub since: DateTime<Utc>,
}

impl Kept {
    /// When the data of a former customer may be erased on request: the operating company has to keep them for this number of days.
    /// `None` for all others, who may ask at any time.
    #[must_use]
    pub fn until(&self, customer_days: u32) -> Option<DateTime<Utc>> {
        let end = self.since.checked_add_days(Days::new(customer_days.into())).unwrap_or(DateTime::<Utc>::MAX_UTC);
        (self.retention == Retention::Customer).then_some(end)
    }
}

/// Ends the relationship with a customer.
///
/// # Errors
/// When it has ended already, or there was none.
pub const fn end_relationship(kept: Option<Kept>) -> Result<(), CaseRefusal> {
    match kept {
        None => Ok(()),
        Some(Kept { retention: Retention::Customer, .. }) => Err(CaseRefusal::RelationshipEnded),
        Some(_) => Err(CaseRefusal::ApplicationNotApproved),
    }
}

/// Takes the end of a relationship back.
///
/// # Errors
/// When it has not ended.
pub const fn resume_relationship(kept: Option<Kept>) -> Result<(), CaseRefusal> {
    match kept {
        Some(Kept { retention: Retention::Customer, .. }) => Ok(()),
        None => Err(CaseRefusal::RelationshipLasts),
        Some(_) => Err(CaseRefusal::ApplicationNotApproved),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(retention: Retention) -> Kept {
        Kept { retention, since: DateTime::from_timestamp(1_800_000_000, 0).expect("a time") }
    }

    #[test]
    fn names_are_read_back() {
        for retention in Retention::ALL {
            assert_eq!(Retention::from_name(retention.name()), Some(retention));
        }
        assert_eq!(Retention::from_name("forever"), None);
    }

    #[test]
    fn only_a_customer_is_kept_without_an_end() {
        for outcome in Outcome::ALL {
            assert_eq!(Retention::after(outcome, true), None);
            assert!(
                Retention::after(outcome, false).is_some_and(|retention| !Retention::is_of_customer(Some(retention)))
            );
        }
        assert_eq!(Retention::after(Outcome::Declined, false), Some(Retention::Declined));
    }

    #[test]
    fn the_law_keeps_former_customers_only() {
        let former = kept(Retention::Customer);
        assert_eq!(former.until(0), Some(former.since));
        assert_eq!((former.until(1827).expect("an end") - former.since).num_days(), 1827);
        let last = Kept { since: DateTime::<Utc>::MAX_UTC, ..former };
        assert_eq!(last.until(1), Some(DateTime::<Utc>::MAX_UTC));
        assert_eq!(kept(Retention::Declined).until(1827), None);
    }

    #[test]
    fn a_relationship_ends_once_and_can_be_resumed() {
        let (former, declined) = (Some(kept(Retention::Customer)), Some(kept(Retention::Declined)));
        assert_eq!((end_relationship(None), resume_relationship(None)), (Ok(()), Err(CaseRefusal::RelationshipLasts)));
        assert_eq!(end_relationship(former), Err(CaseRefusal::RelationshipEnded));
        assert_eq!(resume_relationship(former), Ok(()));
        for change in [end_relationship, resume_relationship] {
            assert_eq!(change(declined), Err(CaseRefusal::ApplicationNotApproved));
        }
    }
}
