//! Something that all clones of a client share and that can be replaced while they work: a credential that a person
//! renews. Whoever has begun a request ends it with what they began with.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// A shared value that can be replaced.
pub struct Replaceable<T>(Arc<RwLock<Arc<T>>>);

impl<T> Replaceable<T> {
    /// Shares a value from here on.
    pub fn new(value: T) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(value))))
    }

    /// What it is now. The lock is held for the copy of a pointer, so nobody ever waits for it.
    #[must_use]
    pub fn get(&self) -> Arc<T> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another in its place, for every clone.
    pub fn replace(&self, value: Arc<T>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = value;
    }
}

impl<T> Clone for Replaceable<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Replaceable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Replaceable(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_clone_sees_the_new_value_and_whoever_began_keeps_the_old_one() {
        let value = Replaceable::new("old");
        let clone = value.clone();
        let begun = clone.get();
        value.replace(Arc::new("new"));
        assert_eq!((*clone.get(), *begun), ("new", "old"));
    }
}
