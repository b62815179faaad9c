//! Who waits for whom before sending: runs that were due together and are still reading are worth a moment, since whoever
//! changes in several of their cohorts is then told once. Nobody waits for a run that was ordered at another time, nor
//! longer than a moment. How those who go together send is for `convoy`.

use super::convoy::{self, Company, Offer};
use super::tools::Tools;
use crate::domain::parcel::MOST_ATTRIBUTES;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Runs ordered no farther apart than this were due together.
const TOGETHER: Duration = Duration::from_secs(5);

/// How long a run that could send waits for the others, at most.
const PATIENCE: Duration = Duration::from_secs(30);

/// Plans up to so many changes go together whatever their sizes: they are sent within some seconds.
const SMALL: u64 = 1_000;

/// The place where runs wait for each other; clones are the same place.
#[derive(Debug, Clone, Default)]
pub(super) struct Muster {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    last: u64,
    /// Those who may yet come, and when they were ordered.
    coming: HashMap<u64, Instant>,
    waiting: Vec<Waiting>,
}

struct Waiting {
    ordered: Instant,
    offer: Offer,
    tools: Tools,
    reply: oneshot::Sender<Option<Company>>,
}

/// A run that may come. Others wait for it until it has come or this is dropped.
#[derive(Debug)]
pub(super) struct Ticket {
    number: u64,
    ordered: Instant,
    muster: Muster,
}

impl Muster {
    /// A run is ordered.
    pub(super) fn expect(&self) -> Arc<Ticket> {
        let mut state = self.state();
        state.last += 1;
        let (number, ordered) = (state.last, Instant::now());
        state.coming.insert(number, ordered);
        Arc::new(Ticket { number, ordered, muster: self.clone() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of it is whole before anything could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// Waits for those who were ordered together with this run; `None` when it is to send alone.
    pub(super) async fn come(&self, tools: &Tools, offer: Offer) -> Option<Company> {
        let (reply, mut answer) = oneshot::channel();
        {
            let mut state = self.muster.state();
            state.coming.remove(&self.number);
            state.waiting.push(Waiting { ordered: self.ordered, offer, tools: tools.clone(), reply });
            state.depart(|_| false);
        }
        tokio::select! {
            company = &mut answer => return company.unwrap_or(None),
            () = tokio::time::sleep(PATIENCE) => {}
        }
        self.muster.state().depart(|waiting| are_together(waiting.ordered, self.ordered));
        answer.await.unwrap_or(None)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.muster.state();
        state.coming.remove(&self.number);
        state.depart(|_| false);
    }
}

fn are_together(one: Instant, other: Instant) -> bool {
    one.max(other).duration_since(one.min(other)) <= TOGETHER
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (coming, waiting) = (self.coming.len(), self.waiting.len());
        write!(f, "Muster({coming} may come, {waiting} wait)")
    }
}

impl State {
    /// Lets those go who have nobody to wait for, or who have waited long enough.
    fn depart(&mut self, has_waited_enough: impl Fn(&Waiting) -> bool) {
        let coming: Vec<Instant> = self.coming.values().copied().collect();
        let (going, staying): (Vec<Waiting>, Vec<Waiting>) =
            std::mem::take(&mut self.waiting).into_iter().partition(|waiting| {
                has_waited_enough(waiting) || !coming.iter().any(|at| are_together(*at, waiting.ordered))
            });
        self.waiting = staying;
        // Whoever was asked to end meanwhile does not wait any more.
        let going = going.into_iter().filter(|waiting| !waiting.reply.is_closed());
        let mut groups: BTreeMap<u32, Vec<Waiting>> = BTreeMap::new();
        for waiting in going {
            groups.entry(class(waiting.offer.pending)).or_default().push(waiting);
        }
        for mut group in groups.into_values() {
            while !group.is_empty() {
                let rest = group.split_off(group.len().min(MOST_ATTRIBUTES));
                send_off(std::mem::replace(&mut group, rest));
            }
        }
    }
}

/// Plans of one class go together. A small plan does not go with one that is many times as large: it would be under way
/// until that one is, and save hardly a batch.
fn class(pending: u64) -> u32 {
    (pending / SMALL).checked_ilog(8).map_or(0, |class| class + 1)
}

fn send_off(group: Vec<Waiting>) {
    let is_company = group.len() > 1;
    let tools = group.first().map(|waiting| waiting.tools.clone());
    let (offers, replies): (Vec<Offer>, Vec<_>) =
        group.into_iter().map(|waiting| (waiting.offer, waiting.reply)).unzip();
    let company = tools.filter(|_| is_company).map(|tools| convoy::depart(tools, offers));
    for reply in replies {
        // Whoever stopped waiting just now is told by its convoy what became of it, and hears nothing.
        drop(reply.send(company.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_of_like_size_go_together() {
        assert_eq!([0, 10, 999].map(class), [0; 3]);
        assert_eq!(class(1_000), class(7_000));
        assert!(class(50_000) > class(5_000), "fifty thousand are not waited for by five");
        assert!(class(10_000_000) > class(1_000_000));
    }
}
