//! Send: the plan leaves the outbox for mParticle, a wave at a time and some requests of it at once. More of it is taken
//! up before it is needed, and answers are recorded while the next requests leave; a wave begins when every answer of the
//! one before is on disk. It stops between requests when asked to, splits what is refused as a whole until the offending
//! user stands alone, and gives up only after the retries of the failure policy.

use super::acknowledgements::{Acknowledgement, Acknowledgements};
use super::convoy::{MemberNews, Offer};
use super::courier::{Landed, Landing, OwnCourier, Trace};
use super::report::{RunEnd, RunNews};
use super::run::Run;
use super::tools::Noted;
use crate::domain::plan::Wave;
use crate::domain::{PauseCause, Phase};
use crate::store::{Answered, JournalEntry, OutboxRequest, PackedRequest, StoreError};
use futures_util::future::BoxFuture;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Requests claimed together at first: enough that claiming costs little, few enough that little is in doubt after a
/// crash. A feed that takes more while the next are being claimed gets twice as many, and so on up to the most.
const CLAIMED_TOGETHER: usize = 16;
const CLAIMED_TOGETHER_AT_MOST: usize = 128;

/// Sends everything the run has planned: alone, or together with others that are due now.
pub(super) async fn send(run: &mut Run) -> Result<(), RunEnd> {
    run.enter(Phase::Send).await?;
    let ticket = run.order.job.ticket.take().filter(|_| run.tools.encoder.can_join());
    let pending = run.record.counts.pending();
    let Some(ticket) = ticket.filter(|_| pending > 0) else { return send_alone(run).await };
    let (news, mut hears) = mpsc::unbounded_channel();
    let offer = run.offer(pending, news);
    let came = {
        let (stop, coming) = (run.stop.clone(), ticket.come(&run.tools, offer));
        run.tell(RunNews::Waiting(Some("waits for those that are due with it".to_owned())));
        tokio::select! {
            company = coming => Some(company),
            () = stop.cancelled() => None,
        }
    };
    run.tell(RunNews::Waiting(None));
    drop(ticket);
    match came {
        None => Err(RunEnd::Cancelled),
        Some(None) => send_alone(run).await,
        // Held until the convoy has said that it is over.
        Some(Some(_company)) => send_together(run, &mut hears).await,
    }
}

/// Takes note of what a convoy makes of the run's changes until it is over.
async fn send_together(run: &mut Run, hears: &mut mpsc::UnboundedReceiver<MemberNews>) -> Result<(), RunEnd> {
    loop {
        let news = tokio::select! {
            news = hears.recv() => news,
            () = run.until_refresh_is_due() => {
                run.refresh().await?;
                continue;
            }
        };
        let counts = &mut run.record.counts;
        match news {
            Some(MemberNews::Left { again }) => {
                counts.requests += u64::from(!again);
                counts.retries += u64::from(again);
            }
            Some(MemberNews::TriedAgain(tries)) => counts.retries += u64::from(tries),
            Some(MemberNews::Answered(changes)) => {
                for (direction, is_accepted) in changes {
                    if is_accepted {
                        counts.accept(direction);
                    } else {
                        counts.reject(direction);
                    }
                }
            }
            Some(MemberNews::Ended(result)) => return result,
            None => {
                let text =
                    "sending together broke down, a defect of this program; the next run goes on from here";
                return Err(RunEnd::Failed(text.to_owned()));
            }
        }
        run.counted().await?;
    }
}

async fn send_alone(run: &mut Run) -> Result<(), RunEnd> {
    let mut sending = Sending::new(run);
    let sent = sending.work().await;
    // Whatever was claimed and never left is certainly not with mParticle, unless it is part of something that was.
    let unsent: Vec<(u64, Trace)> =
        sending.ready.iter().map(|ready| (ready.request.first_position, ready.earlier)).collect();
    drop(sending);
    let id = run.record.id;
    let left = run.ask(move |store| {
        unsent.into_iter().try_for_each(|(position, earlier)| match earlier {
            Trace::None => store.release(id, position),
            Trace::Perhaps => store.doubt(id, position),
            Trace::OnItsWay => Ok(()),
        })
    });
    sent.and(left.await)
}

/// Sends again what a run may have sent already, just as it was, until it is answered. Nothing of it is ever put
/// back: whatever becomes of this try, an earlier one may have arrived.
pub(super) async fn send_again(run: &mut Run, requests: Vec<OutboxRequest>) -> Result<(), RunEnd> {
    let mut sending = Sending::new(run);
    sending.again = true;
    sending.plan = Plan::Done;
    let again = |request| Ready { request, is_counted: true, earlier: Trace::OnItsWay };
    sending.ready = requests.into_iter().map(again).collect();
    sending.work().await
}

impl Run {
    /// What it brings along to a convoy.
    pub(super) fn offer(&self, pending: u64, news: mpsc::UnboundedSender<MemberNews>) -> Offer {
        Offer {
            run: self.record.id,
            began: self.record.started_at,
            cohort: self.record.cohort_id,
            attribute: self.record.attribute.as_str().into(),
            removal: self.record.purpose.removal(),
            pending,
            stop: self.stop.clone(),
            news,
        }
    }
}

/// The requests of a run on their way.
struct Sending<'r> {
    run: &'r mut Run,
    ready: VecDeque<Ready>,
    flights: JoinSet<Landed>,
    plan: Plan,
    acknowledgements: Acknowledgements,
    courier: Arc<OwnCourier>,
    /// Set when no further request may leave: asked to end, given up or refused.
    last_call: CancellationToken,
    end: Option<RunEnd>,
    /// Whether these requests may have been sent before.
    again: bool,
}

/// What is still to be taken up.
enum Plan {
    /// More of a wave, so many requests at a time.
    More(Wave, usize),
    /// Some of it is being claimed.
    Claiming(Wave, usize, BoxFuture<'static, Result<Vec<OutboxRequest>, StoreError>>),
    /// Nothing more of this wave; the next one begins when everything was answered and recorded.
    Until(Wave),
    /// Nothing.
    Done,
}

/// A claimed request that may leave.
struct Ready {
    request: OutboxRequest,
    /// Whether an earlier try, perhaps as part of a larger request, was already counted.
    is_counted: bool,
    /// What earlier tries may have left behind.
    earlier: Trace,
}

/// What happened next.
enum Event {
    Landed(Landed),
    Recorded(Result<Noted, StoreError>),
    Claimed(Result<Vec<OutboxRequest>, StoreError>),
    /// Whoever looks on is to see what came before.
    RefreshIsDue,
}

impl<'r> Sending<'r> {
    fn new(run: &'r mut Run) -> Self {
        let last_call = run.stop.child_token();
        let (id, keeper) = (run.record.id, run.tools.keeper.clone());
        Self {
            acknowledgements: Acknowledgements::of(id, keeper, run.tools.concurrent_requests),
            courier: Arc::new(OwnCourier::new(run, last_call.clone())),
            run,
            ready: VecDeque::new(),
            flights: JoinSet::new(),
            plan: Plan::More(Wave::Removes, CLAIMED_TOGETHER),
            last_call,
            end: None,
            again: false,
        }
    }

    async fn work(&mut self) -> Result<(), RunEnd> {
        loop {
            self.launch();
            self.claim_ahead();
            if self.is_over() {
                break;
            }
            match self.next_event().await? {
                Event::Landed(landed) => self.land(landed).await?,
                Event::Recorded(recorded) => {
                    let noted = recorded.map_err(|error| RunEnd::Failed(error.to_string()))?;
                    self.run.tools.noted(noted);
                }
                Event::Claimed(claimed) => {
                    self.take_up(claimed.map_err(|error| RunEnd::Failed(error.to_string()))?);
                }
                Event::RefreshIsDue => self.run.refresh().await?,
            }
        }
        self.run.tell_counts();
        if let Some(end) = self.end.take() {
            return Err(end);
        }
        let id = self.run.record.id;
        let stopped_short =
            self.run.stop.is_cancelled() && self.run.ask(move |store| store.has_unanswered(id)).await?;
        if stopped_short { Err(RunEnd::Cancelled) } else { Ok(()) }
    }

    /// Whether nothing is under way and nothing more will be.
    fn is_over(&self) -> bool {
        let is_at_rest = self.flights.is_empty() && self.acknowledgements.is_empty();
        let may_leave = !self.last_call.is_cancelled();
        is_at_rest
            && match self.plan {
                Plan::Claiming(..) => false,
                Plan::More(..) | Plan::Until(_) => !may_leave,
                Plan::Done => !may_leave || self.ready.is_empty(),
            }
    }

    /// Waits for whatever comes first. While nothing does, what came before is still to be seen by whoever looks on.
    async fn next_event(&mut self) -> Result<Event, RunEnd> {
        let claiming = async {
            match &mut self.plan {
                Plan::Claiming(_, _, claiming) => claiming.await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            recorded = self.acknowledgements.next() => Ok(Event::Recorded(recorded)),
            Some(landed) = self.flights.join_next() => landed.map(Event::Landed).map_err(|error| {
                RunEnd::Failed(format!("sending broke down, a defect of this program: {error}"))
            }),
            claimed = claiming => Ok(Event::Claimed(claimed)),
            () = self.run.until_refresh_is_due() => Ok(Event::RefreshIsDue),
        }
    }

    /// Lets requests leave while there is room. A request is under way until its answer is on disk, for until then a
    /// crash sends it a second time.
    fn launch(&mut self) {
        while !self.last_call.is_cancelled()
            && self.flights.len() + self.acknowledgements.len() < self.run.tools.concurrent_requests
        {
            let Some(ready) = self.ready.pop_front() else { break };
            self.run.record.counts.requests += u64::from(!ready.is_counted);
            self.run.record.counts.retries += u64::from(ready.is_counted);
            self.flights.spawn(Arc::clone(&self.courier).deliver(ready.request, ready.earlier));
        }
        if self.flights.is_empty() {
            self.acknowledgements.record();
        }
    }

    /// Takes up more of the plan before it is needed. A wave begins when the last request of the one before was answered
    /// and the answer is on disk: after a crash nothing older must be left to tell.
    fn claim_ahead(&mut self) {
        if self.last_call.is_cancelled() {
            return;
        }
        let is_at_rest = self.flights.is_empty() && self.acknowledgements.is_empty() && self.ready.is_empty();
        match self.plan {
            Plan::Until(wave) if is_at_rest => {
                self.plan = wave.next().map_or(Plan::Done, |wave| Plan::More(wave, CLAIMED_TOGETHER));
            }
            _ => {}
        }
        if let Plan::More(wave, count) = self.plan
            && self.ready.len() <= count / 2
        {
            let id = self.run.record.id;
            let claimed = self.run.tools.keeper.note(move |store| store.claim(id, wave, count));
            let claiming = async { claimed.await?.into_iter().map(PackedRequest::unpack).collect() };
            self.plan = Plan::Claiming(wave, count, Box::pin(claiming));
        }
    }

    /// Takes what was claimed; a feed that was waiting for it gets more the next time.
    fn take_up(&mut self, claimed: Vec<OutboxRequest>) {
        let Plan::Claiming(wave, count, _) = self.plan else { return };
        self.plan = match (claimed.is_empty(), self.ready.is_empty()) {
            (true, _) => Plan::Until(wave),
            (false, true) => Plan::More(wave, (count * 2).min(CLAIMED_TOGETHER_AT_MOST)),
            (false, false) => Plan::More(wave, count),
        };
        self.ready.extend(claimed.into_iter().map(|request| Ready {
            request,
            is_counted: false,
            earlier: Trace::None,
        }));
    }

    /// Records what became of a request.
    async fn land(&mut self, landed: Landed) -> Result<(), RunEnd> {
        let Landed { request, tries, result } = landed;
        self.run.record.counts.retries += u64::from(tries.saturating_sub(1));
        match result {
            Landing::Answered { status, rejected, earlier, entry } => {
                let in_doubt = earlier != Trace::None;
                self.answered(&request, Answered { rejected, in_doubt, status, tries }, entry);
            }
            Landing::Split { reason, earlier } => self.split(request, &reason, earlier).await?,
            Landing::Refused { reason, earlier } => {
                self.leave(&request, earlier).await?;
                let cause = PauseCause::MparticleFeed;
                self.finish_with(RunEnd::Paused { cause, reason, held: None });
            }
            Landing::GaveUp { reason, trace } => {
                self.leave(&request, trace).await?;
                self.finish_with(RunEnd::Failed(reason));
            }
            Landing::Stopped { trace } => self.leave(&request, trace).await?,
        }
        self.run.counted_one_of_many().await
    }

    /// The first end counts; what comes after follows from it.
    fn finish_with(&mut self, end: RunEnd) {
        self.end.get_or_insert(end);
        self.last_call.cancel();
    }

    /// Counts an answer, and lets it be recorded, with its entry in the journal.
    fn answered(&mut self, request: &OutboxRequest, answered: Answered, entry: Box<JournalEntry>) {
        let counts = &mut self.run.record.counts;
        for (place, change) in request.changes.iter().enumerate() {
            if answered.rejected.iter().any(|(rejected, _)| *rejected == place) {
                counts.reject(change.direction);
            } else {
                counts.accept(change.direction);
            }
        }
        self.acknowledgements.take(Acknowledgement {
            first_position: request.first_position,
            answered,
            at: self.run.tools.clock.now(),
            entry,
        });
    }

    async fn split(&mut self, request: OutboxRequest, reason: &str, earlier: Trace) -> Result<(), RunEnd> {
        tracing::info!(run = %self.run.record.id, users = request.changes.len(), reason, "splitting a refused request");
        let (id, place) = (self.run.record.id, request.changes.len() / 2);
        let whole = request.clone();
        self.run.ask(move |store| store.split(id, &whole, place)).await?;
        let mut front = request;
        let back = OutboxRequest {
            first_position: front.first_position + place as u64,
            changes: front.changes.split_off(place),
        };
        for part in [back, front] {
            self.ready.push_front(Ready { request: part, is_counted: true, earlier });
        }
        Ok(())
    }

    /// Leaves a request that was not answered for good, noting how much is in doubt about it.
    async fn leave(&mut self, request: &OutboxRequest, trace: Trace) -> Result<(), RunEnd> {
        let (id, position) = (self.run.record.id, request.first_position);
        match trace {
            Trace::None => self.release(request).await,
            Trace::Perhaps if !self.again => self.run.ask(move |store| store.doubt(id, position)).await,
            Trace::Perhaps | Trace::OnItsWay => Ok(()),
        }
    }

    async fn release(&mut self, request: &OutboxRequest) -> Result<(), RunEnd> {
        if self.again {
            return Ok(());
        }
        let (id, position) = (self.run.record.id, request.first_position);
        self.run.ask(move |store| store.release(id, position)).await
    }
}
