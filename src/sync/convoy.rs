//! A convoy: several runs of one feed that send together, so that whoever changes in more than one of their cohorts is
//! told in one batch. It does for all of them what `send` does for one: a wave at a time, every answer recorded before
//! more is taken up. Each member hears what becomes of its own, may leave whenever it is asked to end, and is done as soon
//! as everything it had to tell is answered. What becomes of a request that came back stands in `landing`.

mod landing;

use super::courier::{Courier, Landing, Load, Trace};
use super::report::RunEnd;
use super::tools::Tools;
use crate::domain::plan::Wave;
use crate::domain::{Change, CohortId, Direction, Removal, RunId};
use crate::http::Line;
use crate::mparticle::Letter;
use crate::store::{Part, Store, StoreError, batches_of};
use jiff::Timestamp;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

/// Requests claimed together, as in `send`.
const CLAIMED_TOGETHER: usize = 16;

/// What a run brings along.
#[derive(Debug)]
pub(super) struct Offer {
    pub run: RunId,
    pub began: Timestamp,
    pub cohort: CohortId,
    pub attribute: Arc<str>,
    pub removal: Removal,
    /// Changes it has yet to tell.
    pub pending: u64,
    /// Set when it is asked to end.
    pub stop: CancellationToken,
    /// Hears what becomes of them.
    pub news: mpsc::UnboundedSender<MemberNews>,
}

/// What a member hears.
#[derive(Debug)]
pub(super) enum MemberNews {
    /// A request with something of it left, for the first time or again.
    Left {
        /// Whether it, or what it is a part of, had left before.
        again: bool,
    },
    /// So many further tries were needed.
    TriedAgain(u32),
    /// Changes were answered.
    Answered(Vec<(Direction, bool)>),
    /// It is over.
    Ended(Result<(), RunEnd>),
}

/// Keeps a convoy going. When all members are gone, without having been told that it is over, it ends: nobody is left to
/// settle what is accepted.
#[derive(Debug, Clone)]
pub(super) struct Company {
    _shared: Arc<EndsWithTheLast>,
}

#[derive(Debug)]
struct EndsWithTheLast(AbortHandle);

impl Drop for EndsWithTheLast {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Sends a convoy on its way.
pub(super) fn depart(tools: Tools, offers: Vec<Offer>) -> Company {
    let last_call = CancellationToken::new();
    let mut convoy = Convoy::new(tools, offers, last_call);
    let names: Vec<String> = convoy.members.iter().map(|member| member.offer.run.to_string()).collect();
    tracing::info!(runs = names.join(", "), "sending together");
    let task = tokio::spawn(async move { convoy.go().await });
    Company { _shared: Arc::new(EndsWithTheLast(task.abort_handle())) }
}

/// Sends again what several runs may have sent together, just as it was; see `doubt`.
pub(super) async fn send_again(
    tools: Tools,
    offers: Vec<Offer>,
    requests: Vec<Vec<Part>>,
    last_call: CancellationToken,
) -> Result<(), RunEnd> {
    let mut convoy = Convoy::new(tools, offers, last_call.clone());
    (convoy.again, convoy.wave) = (true, None);
    let again = |parts| Ready { parts, is_counted: true, earlier: Trace::OnItsWay };
    convoy.ready = requests.into_iter().map(again).collect();
    convoy.work().await?;
    match convoy.end.take() {
        Some(end) => Err(end),
        None if last_call.is_cancelled() => Err(RunEnd::Cancelled),
        None => Ok(()),
    }
}

struct Convoy {
    tools: Tools,
    /// In the order of their numbers, which is the order of the parts of a request.
    members: Vec<Member>,
    ready: VecDeque<Ready>,
    flights: JoinSet<Landed>,
    /// The members of the requests on their way.
    aboard: HashMap<u64, Vec<RunId>>,
    flown: u64,
    stops: JoinSet<RunId>,
    last_call: CancellationToken,
    end: Option<RunEnd>,
    wave: Option<Wave>,
    again: bool,
}

struct Member {
    offer: Offer,
    left: u64,
    /// It was asked to end; nothing more of it is taken up.
    is_leaving: bool,
    is_gone: bool,
}

struct Ready {
    parts: Vec<Part>,
    is_counted: bool,
    earlier: Trace,
}

struct Landed {
    flight: u64,
    parts: Vec<Part>,
    tries: u32,
    result: Landing,
}

impl Convoy {
    fn new(tools: Tools, mut offers: Vec<Offer>, last_call: CancellationToken) -> Self {
        offers.sort_by_key(|offer| offer.run.0);
        let mut stops = JoinSet::new();
        for offer in &offers {
            let (stop, run) = (offer.stop.clone(), offer.run);
            stops.spawn(async move {
                stop.cancelled().await;
                run
            });
        }
        let new = |offer: Offer| Member { left: offer.pending, offer, is_leaving: false, is_gone: false };
        Self {
            tools,
            members: offers.into_iter().map(new).collect(),
            ready: VecDeque::new(),
            flights: JoinSet::new(),
            aboard: HashMap::new(),
            flown: 0,
            stops,
            last_call,
            end: None,
            wave: Some(Wave::Removes),
            again: false,
        }
    }

    /// Works until everything is told, and tells every member how it ended.
    async fn go(&mut self) {
        if let Err(end) = self.work().await {
            self.end.get_or_insert(end);
        }
        // Whatever was claimed and never left is certainly not with mParticle, unless it is part of something that was.
        for ready in std::mem::take(&mut self.ready) {
            if let Err(end) = self.leave(ready.parts, ready.earlier).await {
                self.end.get_or_insert(end);
            }
        }
        for number in 0..self.members.len() {
            let member = &self.members[number];
            let result = match &self.end {
                Some(end) if member.left > 0 => Err(end.clone()),
                _ if member.left > 0 && member.is_leaving => Err(RunEnd::Cancelled),
                _ => Ok(()),
            };
            self.part_with(number, result);
        }
    }

    async fn work(&mut self) -> Result<(), RunEnd> {
        loop {
            self.launch().await?;
            self.part_with_those_who_are_done();
            if self.flights.is_empty() {
                return Ok(());
            }
            tokio::select! {
                landed = self.flights.join_next() => match landed {
                    Some(Ok(landed)) => self.land(landed).await?,
                    Some(Err(error)) => {
                        let text = format!("sending broke down, a defect of this program: {error}");
                        return Err(RunEnd::Failed(text));
                    }
                    None => {}
                },
                Some(Ok(run)) = self.stops.join_next() => self.leaves(run).await?,
            }
        }
    }

    /// Lets requests leave while there is room.
    async fn launch(&mut self) -> Result<(), RunEnd> {
        while !self.last_call.is_cancelled() && self.flights.len() < self.tools.concurrent_requests {
            if self.ready.is_empty() && !self.claim().await? {
                break;
            }
            let Some(ready) = self.ready.pop_front() else { break };
            let again = ready.is_counted;
            self.tell(&ready.parts, || MemberNews::Left { again });
            self.flown += 1;
            let flight = self.flown;
            self.aboard.insert(flight, ready.parts.iter().map(|part| part.run).collect());
            let load = self.load(&ready.parts);
            let courier = self.courier(&ready.parts);
            self.flights.spawn(async move {
                let (tries, result) = courier.carry(load, ready.earlier).await;
                Landed { flight, parts: ready.parts, tries, result }
            });
        }
        Ok(())
    }

    /// Takes up more of the plans; false when nothing more can leave now.
    async fn claim(&mut self) -> Result<bool, RunEnd> {
        while let Some(wave) = self.wave {
            let at_work = || self.members.iter().filter(|member| !member.is_leaving && !member.is_gone);
            let runs: Vec<RunId> = at_work().map(|member| member.offer.run).collect();
            let attributes: Vec<Arc<str>> = at_work().map(|member| member.offer.attribute.clone()).collect();
            let (encoder, limits) = (self.tools.encoder.clone(), self.tools.encoder.limits());
            let size_of = move |run: usize, change: &Change, is_first: bool| {
                let attribute = attributes.get(run).map_or("", |attribute| &**attribute);
                if is_first {
                    encoder.upper_bound(attribute, change)
                } else {
                    encoder.further_bound(attribute)
                }
            };
            let claimed = self
                .ask(move |store| store.claim_together(&runs, wave, CLAIMED_TOGETHER, limits, &size_of))
                .await?;
            if !claimed.is_empty() {
                let new = |parts| Ready { parts, is_counted: false, earlier: Trace::None };
                self.ready.extend(claimed.into_iter().map(new));
                return Ok(true);
            }
            if !self.flights.is_empty() {
                return Ok(false);
            }
            self.wave = wave.next();
        }
        Ok(false)
    }

    /// A member is asked to end. What is claimed of it and has never left goes back, with whatever was to leave together
    /// with it; the others take that up anew.
    async fn leaves(&mut self, run: RunId) -> Result<(), RunEnd> {
        for member in self.members.iter_mut().filter(|member| member.offer.run == run) {
            member.is_leaving = true;
        }
        let is_concerned = |ready: &Ready| {
            let has_part = ready.parts.iter().any(|part| part.run == run);
            has_part && (ready.earlier == Trace::None || ready.parts.len() == 1)
        };
        let (given_up, kept): (VecDeque<Ready>, VecDeque<Ready>) =
            std::mem::take(&mut self.ready).into_iter().partition(is_concerned);
        self.ready = kept;
        for ready in given_up {
            self.leave(ready.parts, ready.earlier).await?;
        }
        if self.members.iter().all(|member| member.is_leaving || member.is_gone) {
            self.last_call.cancel();
        }
        Ok(())
    }

    fn part_with_those_who_are_done(&mut self) {
        if self.again {
            return;
        }
        for number in 0..self.members.len() {
            let member = &self.members[number];
            let run = member.offer.run;
            let is_under_way = self.ready.iter().any(|ready| ready.parts.iter().any(|part| part.run == run))
                || self.aboard.values().any(|aboard| aboard.contains(&run));
            if is_under_way || !(member.left == 0 || member.is_leaving) {
                continue;
            }
            let result = if member.left == 0 { Ok(()) } else { Err(RunEnd::Cancelled) };
            self.part_with(number, result);
        }
    }

    fn part_with(&mut self, number: usize, result: Result<(), RunEnd>) {
        let member = &mut self.members[number];
        if !std::mem::replace(&mut member.is_gone, true) {
            // Whoever was aborted has nobody to hear it.
            let _ = member.offer.news.send(MemberNews::Ended(result));
        }
    }

    fn tell(&self, parts: &[Part], news: impl Fn() -> MemberNews) {
        for member in &self.members {
            if parts.iter().any(|part| part.run == member.offer.run) {
                // As above.
                let _ = member.offer.news.send(news());
            }
        }
    }

    fn load(&self, parts: &[Part]) -> Load {
        let letters: Vec<(Letter<'_>, u64, &[Change])> = parts
            .iter()
            .filter_map(|part| {
                let member = self.members.iter().find(|member| member.offer.run == part.run)?;
                let letter = Letter {
                    installation: &self.tools.installation,
                    run: part.run,
                    began: member.offer.began,
                    cohort: member.offer.cohort,
                    attribute: &member.offer.attribute,
                    removal: member.offer.removal,
                };
                Some((letter, part.first_position, part.changes.as_slice()))
            })
            .collect();
        Load {
            body: self.tools.encoder.joint_letter(&letters),
            users: batches_of(parts).len(),
            first_position: parts.first().map_or(0, |part| part.first_position),
            cohorts: self
                .members
                .iter()
                .filter(|member| parts.iter().any(|part| part.run == member.offer.run))
                .count(),
        }
    }

    fn courier(&self, parts: &[Part]) -> Courier {
        let aboard =
            self.members.iter().filter(|member| parts.iter().any(|part| part.run == member.offer.run));
        let cohorts: Vec<CohortId> = aboard.map(|member| member.offer.cohort).collect();
        let first = self.members.first().map_or(0, |member| member.offer.run.0);
        let shares = self.members.iter().filter(|member| !member.is_gone).count();
        let run = parts.first().map_or(RunId(0), |part| part.run);
        let line = Line { number: first, shares };
        Courier::of_several(self.tools.clone(), run, cohorts, line, self.last_call.clone())
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, RunEnd> {
        self.tools.keeper.note(question).await.map_err(|error| RunEnd::Failed(error.to_string()))
    }
}
