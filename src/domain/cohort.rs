//! A cohort as Mixpanel lists it, and what makes its name fit or unfit to be an mParticle attribute.
//! How the list is fetched belongs to `mixpanel`; what we do with a cohort belongs to `sync`.

use std::fmt;

/// Mixpanel's number for a cohort; unlike the name it never changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CohortId(pub u64);

impl fmt::Display for CohortId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One entry of Mixpanel's cohort list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cohort {
    /// The stable number.
    pub id: CohortId,
    /// The name at the time of listing; operators may change it at any moment.
    pub name: String,
    /// Free text, often empty.
    pub description: String,
    /// Mixpanel's own count of users, which may differ from what a read returns a minute later.
    pub count: Option<u64>,
    /// When it was created, as Mixpanel writes it (no time zone is given).
    pub created: String,
    /// Whether Mixpanel shows it in its own lists.
    pub visible: bool,
    /// Set for cohorts of a group (companies, devices), which cannot be exported as users.
    pub data_group_id: Option<String>,
}

impl Cohort {
    /// Group cohorts have no users to address, so they cannot be exported (Mixpanel's own sync refuses them too).
    #[must_use]
    pub fn is_group(&self) -> bool {
        self.data_group_id.is_some()
    }
}

/// mParticle's limit for the name of a user attribute, in characters (default service limits).
pub const ATTRIBUTE_NAME_LIMIT: usize = 256;

/// Why a name cannot serve as an mParticle user attribute.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AttributeNameError {
    /// Nothing would be left to name.
    #[error("the attribute name is empty")]
    Empty,
    /// Longer than mParticle stores.
    #[error("the attribute name has {0} characters; mParticle takes at most {ATTRIBUTE_NAME_LIMIT}")]
    TooLong(usize),
}

/// Checks that mParticle can store an attribute of this name.
///
/// # Errors
/// The name is empty or has more than 256 characters; the caller should offer another attribute name.
pub fn check_attribute_name(name: &str) -> Result<(), AttributeNameError> {
    let length = name.chars().count();
    if name.trim().is_empty() {
        Err(AttributeNameError::Empty)
    } else if length > ATTRIBUTE_NAME_LIMIT {
        Err(AttributeNameError::TooLong(length))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_256_characters_is_the_longest() {
        assert_eq!(check_attribute_name(&"é".repeat(256)), Ok(()));
        assert_eq!(check_attribute_name(&"é".repeat(257)), Err(AttributeNameError::TooLong(257)));
        assert_eq!(check_attribute_name("  "), Err(AttributeNameError::Empty));
    }
}
