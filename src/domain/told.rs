//! Everybody mParticle was told about and with what: the baseline, the additions of the last run that told anybody
//! anything, and the removals that are remembered, merged in order. Where these are read from belongs to `store`.

use super::Identity;
use super::verification::Group;
use std::iter::Peekable;

/// Merges the baseline with who was `added` and who was `removed` into people and their groups, each person once.
/// People of whom nobody knows what they were told last, the `uncertain`, are left out.
///
/// All four must be ascending; `added` and `removed` may name somebody several times. What cannot be read ends the
/// stream with its error.
pub fn everybody<E>(
    baseline: impl Iterator<Item = Result<Identity, E>>,
    added: impl Iterator<Item = Result<Identity, E>>,
    removed: impl Iterator<Item = Result<Identity, E>>,
    uncertain: impl Iterator<Item = Identity>,
) -> impl Iterator<Item = Result<(Identity, Group), E>> {
    let mut merge = Merge {
        baseline: baseline.peekable(),
        added: added.peekable(),
        removed: removed.peekable(),
        uncertain: uncertain.peekable(),
        has_failed: false,
    };
    std::iter::from_fn(move || merge.next())
}

struct Merge<B: Iterator, A: Iterator, R: Iterator, U: Iterator> {
    baseline: Peekable<B>,
    added: Peekable<A>,
    removed: Peekable<R>,
    uncertain: Peekable<U>,
    has_failed: bool,
}

impl<E, B, A, R, U> Merge<B, A, R, U>
where
    B: Iterator<Item = Result<Identity, E>>,
    A: Iterator<Item = Result<Identity, E>>,
    R: Iterator<Item = Result<Identity, E>>,
    U: Iterator<Item = Identity>,
{
    fn next(&mut self) -> Option<Result<(Identity, Group), E>> {
        while !self.has_failed {
            match self.person() {
                Ok(None) => return None,
                Ok(Some((_, None))) => {}
                Ok(Some((person, Some(group)))) => return Some(Ok((person, group))),
                Err(error) => {
                    self.has_failed = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }

    /// The next person of any stream; without a group when nothing can be expected of them.
    fn person(&mut self) -> Result<Option<(Identity, Option<Group>)>, E> {
        let heads = [head(&mut self.baseline)?, head(&mut self.removed)?];
        let Some(least) = heads.into_iter().flatten().min().cloned() else { return Ok(None) };
        let is_member = skip(&mut self.baseline, &least)?;
        let was_removed = skip(&mut self.removed, &least)?;
        let was_added = skip(&mut self.added, &least)?;
        while self.uncertain.next_if(|identity| *identity < least).is_some() {}
        let is_uncertain = self.uncertain.next_if_eq(&least).is_some();
        let group = match (is_member, was_removed) {
            _ if is_uncertain => None,
            (true, _) if was_added => Some(Group::Adds),
            (true, _) => Some(Group::Steady),
            (false, true) => Some(Group::Removes),
            (false, false) => None,
        };
        Ok(Some((least, group)))
    }
}

/// The next of a stream, or the error it ends with.
fn head<'s, E, I>(stream: &'s mut Peekable<I>) -> Result<Option<&'s Identity>, E>
where
    E: 's,
    I: Iterator<Item = Result<Identity, E>>,
{
    if let Some(Err(error)) = stream.next_if(Result::is_err) {
        return Err(error);
    }
    Ok(stream.peek().and_then(|item| item.as_ref().ok()))
}

/// Passes everybody up to a person, and says whether the person was among them.
fn skip<E, I>(stream: &mut Peekable<I>, person: &Identity) -> Result<bool, E>
where
    I: Iterator<Item = Result<Identity, E>>,
{
    let mut is_there = false;
    while let Some(next) = head(stream)? {
        if next > person {
            break;
        }
        is_there |= next == person;
        stream.next();
    }
    Ok(is_there)
}

/// Merges ascending streams into one that is ascending; whoever is in several of them comes several times. What
/// cannot be read comes first.
pub fn merged<E>(
    streams: Vec<impl Iterator<Item = Result<Identity, E>>>,
) -> impl Iterator<Item = Result<Identity, E>> {
    let mut streams: Vec<_> = streams.into_iter().map(Iterator::peekable).collect();
    std::iter::from_fn(move || {
        let mut least: Option<(usize, &Identity)> = None;
        for (place, stream) in streams.iter_mut().enumerate() {
            match stream.peek() {
                Some(Ok(identity)) if least.is_none_or(|(_, known)| identity < known) => {
                    least = Some((place, identity));
                }
                Some(Err(_)) => {
                    least = None;
                    // Taken below, where nothing of the other streams is borrowed any more.
                    break;
                }
                _ => {}
            }
        }
        let place = match least {
            Some((place, _)) => place,
            None => streams.iter_mut().position(|stream| stream.peek().is_some())?,
        };
        streams[place].next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    type People = BTreeSet<i64>;

    fn stream(people: &People) -> impl Iterator<Item = Result<Identity, &'static str>> {
        people.iter().map(|person| Ok(Identity::Mpid(*person)))
    }

    fn some() -> impl Strategy<Value = People> {
        prop::collection::btree_set(-12..12_i64, 0..12)
    }

    proptest! {
        #[test]
        fn everybody_is_in_the_one_group_that_says_what_they_were_told(
            baseline in some(), added in some(), one in some(), other in some(), uncertain in some(),
        ) {
            let removed = merged(vec![stream(&one), stream(&other)]);
            let doubted = uncertain.iter().map(|person| Identity::Mpid(*person));
            let found: Vec<_> = everybody(stream(&baseline), stream(&added), removed, doubted).collect();
            let expected: Vec<_> = (-12..12_i64).filter(|person| !uncertain.contains(person)).filter_map(|person| {
                let group = if baseline.contains(&person) {
                    if added.contains(&person) { Group::Adds } else { Group::Steady }
                } else if one.contains(&person) || other.contains(&person) {
                    Group::Removes
                } else {
                    return None;
                };
                Some(Ok((Identity::Mpid(person), group)))
            }).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn what_cannot_be_read_ends_it() {
        let broken = || vec![Ok(Identity::Mpid(1)), Err("broken"), Ok(Identity::Mpid(3))].into_iter();
        let whole = || vec![Ok(Identity::Mpid(1)), Ok(Identity::Mpid(2))].into_iter();
        let none = || std::iter::empty::<Identity>();
        for found in [
            everybody(broken(), whole(), whole(), none()).collect::<Vec<_>>(),
            everybody(whole(), broken(), whole(), none()).collect(),
            everybody(whole(), whole(), merged(vec![whole(), broken()]), none()).collect(),
        ] {
            assert_eq!(found.last(), Some(&Err("broken")), "{found:?}");
            assert_eq!(found.iter().filter(|item| item.is_err()).count(), 1);
        }
    }
}
