//! Whose turn it is: many senders share one feed, and what it takes a second is shared fairly among those on whose
//! behalf they send, however many requests each of them has waiting. A sync of ten users must not stand behind one of
//! a million. Pure, and only about the order; waiting belongs to [`super::gate`], the pace to [`super::pacing`].
//!
//! This is deficit round robin (Shreedhar and Varghese, 1995), counted in users: a line that is reached may send so
//! many more users than before, and whatever its first request does not need of that is kept for its next turn.

use std::collections::VecDeque;

/// On whose behalf a request is sent; requests of one line keep their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Line {
    /// Tells it from the others.
    pub number: i64,
    /// How many shares it has of what the feed takes; at least 1.
    pub shares: usize,
}

impl Line {
    /// A line with one share.
    #[must_use]
    pub fn of(number: i64) -> Self {
        Self { number, shares: 1 }
    }
}

/// Users a share is worth in a round: a full request.
const QUANTUM: usize = 100;

/// Those who wait, in lines that are served in rounds.
#[derive(Debug)]
pub struct Turns<T> {
    lines: VecDeque<Waiting<T>>,
}

#[derive(Debug)]
struct Waiting<T> {
    line: Line,
    /// Users it may still send in this round.
    credit: usize,
    /// Whether the round has come to it, so that it got its share.
    is_reached: bool,
    requests: VecDeque<(usize, T)>,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self { lines: VecDeque::new() }
    }
}

impl<T> Turns<T> {
    /// Puts a request of so many users at the end of its line; a line that is new is reached last.
    pub fn wait(&mut self, line: Line, users: usize, waiting: T) {
        let known = self.lines.iter_mut().find(|known| known.line.number == line.number);
        if let Some(known) = known {
            known.line.shares = line.shares;
            known.requests.push_back((users, waiting));
        } else {
            self.lines.push_back(Waiting {
                line,
                credit: 0,
                is_reached: false,
                requests: VecDeque::from([(users, waiting)]),
            });
        }
    }

    /// Takes out the request whose turn it is.
    pub fn take(&mut self) -> Option<T> {
        loop {
            let mut first = self.lines.pop_front()?;
            let Some((users, _)) = first.requests.front() else { continue };
            if !std::mem::replace(&mut first.is_reached, true) {
                first.credit += QUANTUM * first.line.shares.max(1);
            }
            let Some(left) = first.credit.checked_sub(*users) else {
                first.is_reached = false;
                self.lines.push_back(first);
                continue;
            };
            first.credit = left;
            let taken = first.requests.pop_front();
            if !first.requests.is_empty() {
                // It goes on until its credit is used up.
                self.lines.push_front(first);
            }
            return taken.map(|(_, waiting)| waiting);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    /// Lets lines that never run dry be served so often, and returns how many users each has sent.
    fn serve(requests: &HashMap<i64, (usize, usize)>, times: usize) -> HashMap<i64, usize> {
        let (mut turns, mut sent) = (Turns::default(), HashMap::new());
        for (number, (users, shares)) in requests {
            for _ in 0..2 {
                turns.wait(Line { number: *number, shares: *shares }, *users, *number);
            }
        }
        for _ in 0..times {
            let Some(number) = turns.take() else { break };
            let (users, shares) = requests[&number];
            *sent.entry(number).or_default() += users;
            turns.wait(Line { number, shares }, users, number);
        }
        sent
    }

    #[test]
    fn a_small_one_waits_for_one_round_and_not_for_all_that_came_before_it() {
        let mut turns = Turns::default();
        (0..1_000).for_each(|_| turns.wait(Line::of(1), 100, "big"));
        turns.take();
        turns.wait(Line::of(2), 10, "small");
        let served: Vec<_> = (0..3).filter_map(|_| turns.take()).collect();
        assert!(served.contains(&"small"), "{served:?}");
    }

    #[test]
    fn requests_of_a_line_keep_their_order_and_all_come_out() {
        let mut turns = Turns::default();
        for number in 0..30 {
            turns.wait(Line::of(number % 3), 1 + usize::try_from(number).unwrap() * 7, number);
        }
        let out: Vec<i64> = std::iter::from_fn(|| turns.take()).collect();
        assert_eq!(out.len(), 30);
        for line in 0..3 {
            let own: Vec<_> = out.iter().filter(|number| *number % 3 == line).collect();
            assert!(own.is_sorted(), "{own:?}");
        }
    }

    proptest! {
        #[test]
        fn lines_that_never_run_dry_send_by_their_shares(
            given in prop::collection::vec((1..=100_usize, 1..=4_usize), 2..8),
        ) {
            let requests: HashMap<i64, (usize, usize)> = (0..).zip(given).collect();
            let sent = serve(&requests, 5_000);
            let fair = |number: &i64| sent[number] as f64 / requests[number].1 as f64;
            let (least, most) = requests.keys().map(fair).fold((f64::MAX, 0.0_f64), |(l, m), f| (l.min(f), m.max(f)));
            // At the end of the count some have had one turn more than others.
            prop_assert!(most - least <= 3.0 * QUANTUM as f64, "{sent:?}");
        }
    }
}
