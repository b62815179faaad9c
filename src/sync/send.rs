//! Send: the plan leaves the outbox for mParticle, some requests at a time, and every answer is recorded before
//! the next request is taken, a wave at a time. It stops between requests when asked to, splits what is refused as a whole until
//! the offending user stands alone, and gives up only after the retries of the failure policy.

use super::report::{RunEnd, RunNews, SideNews};
use super::run::Run;
use super::tools::Tools;
use crate::domain::plan::Wave;
use crate::domain::{CohortId, PauseCause, Phase, Removal, RunId};
use crate::http::backoff::jitter;
use crate::http::{Answer, Feedback, Limit, Permit, TransportError};
use crate::mparticle::{Verdict, judge, judge_failure, source_request_id};
use crate::store::{Answered, JournalEntry, OutboxRequest, Side};
use bytes::Bytes;
use jiff::Timestamp;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Requests claimed together: enough that claiming costs little, few enough that little is told twice after
/// a crash (only those that had really left are repeated; the others were never sent).
const CLAIMED_TOGETHER: usize = 16;

/// Sends everything the run has planned.
pub(super) async fn send(run: &mut Run) -> Result<(), RunEnd> {
    run.enter(Phase::Send).await?;
    let mut sending = Sending::new(run);
    let sent = sending.work().await;
    // Whatever was claimed and never left is certainly not with mParticle.
    let unsent: Vec<u64> = sending.ready.iter().map(|ready| ready.request.first_position).collect();
    let id = run.record.id;
    let released =
        run.ask(move |store| unsent.into_iter().try_for_each(|position| store.release(id, position))).await;
    sent.and(released)
}

/// Sends again what a run may have sent already, just as it was, until it is answered. Nothing of it is ever put
/// back: whatever becomes of this try, an earlier one may have arrived.
pub(super) async fn send_again(run: &mut Run, requests: Vec<OutboxRequest>) -> Result<(), RunEnd> {
    let mut sending = Sending::new(run);
    sending.again = true;
    sending.wave = None;
    sending.ready = requests.into_iter().map(|request| Ready { request, is_counted: true }).collect();
    sending.work().await
}

/// The requests of a run on their way.
struct Sending<'r> {
    run: &'r mut Run,
    ready: VecDeque<Ready>,
    flights: JoinSet<Landed>,
    /// Set when no further request may leave: asked to end, given up or refused.
    last_call: CancellationToken,
    end: Option<RunEnd>,
    /// The wave that is being sent; none when everything planned was taken up.
    wave: Option<Wave>,
    /// Whether these requests may have been sent before.
    again: bool,
}

/// A claimed request that may leave.
struct Ready {
    request: OutboxRequest,
    /// Whether an earlier try, perhaps as part of a larger request, was already counted.
    is_counted: bool,
}

/// A request that came back.
struct Landed {
    request: OutboxRequest,
    tries: u32,
    result: Landing,
}

/// What became of a request.
enum Landing {
    /// Answered; some of its users may be rejected.
    Answered { status: u16, rejected: Vec<(usize, String)> },
    /// Refused as a whole; it must be split.
    Split { reason: String },
    /// The feed refuses us.
    Refused { reason: String },
    /// Tried as often as the policy says.
    GaveUp { reason: String, may_have_arrived: bool },
    /// The run ends; the request was not tried again.
    Stopped { may_have_arrived: bool },
}

impl<'r> Sending<'r> {
    fn new(run: &'r mut Run) -> Self {
        let last_call = run.stop.child_token();
        Self {
            run,
            ready: VecDeque::new(),
            flights: JoinSet::new(),
            last_call,
            end: None,
            wave: Some(Wave::Removes),
            again: false,
        }
    }

    async fn work(&mut self) -> Result<(), RunEnd> {
        loop {
            self.launch().await?;
            let Some(landed) = self.flights.join_next().await else { break };
            let landed = landed.map_err(|error| {
                RunEnd::Failed(format!("sending broke down, a defect of this program: {error}"))
            })?;
            self.land(landed).await?;
        }
        if let Some(end) = self.end.take() {
            return Err(end);
        }
        let id = self.run.record.id;
        let stopped_short =
            self.run.stop.is_cancelled() && self.run.ask(move |store| store.has_unanswered(id)).await?;
        if stopped_short { Err(RunEnd::Cancelled) } else { Ok(()) }
    }

    /// Takes up more of the plan; false when nothing more can leave now. A wave begins when the last request of
    /// the one before was answered.
    async fn claim(&mut self) -> Result<bool, RunEnd> {
        while let Some(wave) = self.wave {
            let id = self.run.record.id;
            let claimed = self.run.ask(move |store| store.claim(id, wave, CLAIMED_TOGETHER)).await?;
            if !claimed.is_empty() {
                self.ready.extend(claimed.into_iter().map(|request| Ready { request, is_counted: false }));
                return Ok(true);
            }
            if !self.flights.is_empty() {
                return Ok(false);
            }
            self.wave = wave.next();
        }
        Ok(false)
    }

    /// Lets requests leave while there is room.
    async fn launch(&mut self) -> Result<(), RunEnd> {
        while !self.last_call.is_cancelled() && self.flights.len() < self.run.tools.concurrent_requests {
            if self.ready.is_empty() && !self.claim().await? {
                break;
            }
            let Some(ready) = self.ready.pop_front() else { break };
            self.run.record.counts.requests += u64::from(!ready.is_counted);
            self.run.record.counts.retries += u64::from(ready.is_counted);
            let courier = Courier::new(self.run, self.last_call.clone());
            self.flights.spawn(courier.deliver(ready.request));
        }
        Ok(())
    }

    /// Records what became of a request.
    async fn land(&mut self, landed: Landed) -> Result<(), RunEnd> {
        let Landed { request, tries, result } = landed;
        self.run.record.counts.retries += u64::from(tries.saturating_sub(1));
        match result {
            Landing::Answered { status, rejected } => self.answered(request, status, tries, rejected).await?,
            Landing::Split { reason } => self.split(request, &reason).await?,
            Landing::Refused { reason } => {
                self.release(&request).await?;
                let cause = PauseCause::MparticleFeed;
                self.finish_with(RunEnd::Paused { cause, reason, held: None });
            }
            Landing::GaveUp { reason, may_have_arrived } => {
                if !may_have_arrived {
                    self.release(&request).await?;
                }
                self.finish_with(RunEnd::Failed(reason));
            }
            Landing::Stopped { may_have_arrived } => {
                if !may_have_arrived {
                    self.release(&request).await?;
                }
            }
        }
        self.run.counted().await
    }

    /// The first end counts; what comes after follows from it.
    fn finish_with(&mut self, end: RunEnd) {
        self.end.get_or_insert(end);
        self.last_call.cancel();
    }

    async fn answered(
        &mut self,
        request: OutboxRequest,
        status: u16,
        tries: u32,
        rejected: Vec<(usize, String)>,
    ) -> Result<(), RunEnd> {
        let counts = &mut self.run.record.counts;
        for (place, change) in request.changes.iter().enumerate() {
            if rejected.iter().any(|(rejected, _)| *rejected == place) {
                counts.reject(change.direction);
            } else {
                counts.accept(change.direction);
            }
        }
        let (id, at) = (self.run.record.id, self.run.tools.clock.now());
        let answered = Answered { rejected, status, tries };
        self.run.ask(move |store| store.answer(id, request.first_position, &answered, at)).await
    }

    async fn split(&mut self, request: OutboxRequest, reason: &str) -> Result<(), RunEnd> {
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
            self.ready.push_front(Ready { request: part, is_counted: true });
        }
        Ok(())
    }

    async fn release(&mut self, request: &OutboxRequest) -> Result<(), RunEnd> {
        if self.again {
            return Ok(());
        }
        let (id, position) = (self.run.record.id, request.first_position);
        self.run.ask(move |store| store.release(id, position)).await
    }
}

/// Carries one request through its tries.
struct Courier {
    tools: Tools,
    run: RunId,
    began: Timestamp,
    cohort: CohortId,
    attribute: Arc<str>,
    removal: Removal,
    last_call: CancellationToken,
}

impl Courier {
    fn new(run: &Run, last_call: CancellationToken) -> Self {
        Self {
            tools: run.tools.clone(),
            run: run.record.id,
            began: run.record.started_at,
            cohort: run.record.cohort_id,
            attribute: run.record.attribute.as_str().into(),
            removal: run.record.purpose.removal(),
            last_call,
        }
    }

    async fn deliver(self, request: OutboxRequest) -> Landed {
        let body = self.body(&request);
        let users = request.changes.len();
        let mut tries = 0;
        let mut may_have_arrived = false;
        let result = loop {
            let entered = tokio::select! {
                permit = self.tools.gate.enter(users) => Some(permit),
                () = self.last_call.cancelled() => None,
            };
            let Some(permit) = entered else { break Landing::Stopped { may_have_arrived } };
            tries += 1;
            let answer = self.tools.mparticle.post(&body).await;
            self.journal(&answer, users, body.len(), tries);
            let verdict = match &answer {
                Ok(answer) => judge(answer, users),
                Err(error) => judge_failure(error),
            };
            self.pace(permit, &answer);
            // A server that fails may have applied the request first; one that refuses it has not.
            may_have_arrived |= match &answer {
                Ok(answer) => !(400..500).contains(&answer.status),
                Err(error) => error.may_have_arrived(),
            };
            let (reason, retry_after) = match self.conclude(verdict, &answer, may_have_arrived) {
                Next::Land(landing) => break landing,
                Next::Retry { reason, retry_after } => (reason, retry_after),
            };
            let Some(delay) = self.tools.backoff.delay(tries, jitter(), retry_after) else {
                self.tools.reports.side(Side::Mparticle, SideNews::Down(reason.clone()));
                let reason = format!(
                    "mParticle did not take a request in {tries} tries: {reason}. The next run goes on from here"
                );
                break Landing::GaveUp { reason, may_have_arrived };
            };
            if !self.wait(delay, tries, &reason).await {
                break Landing::Stopped { may_have_arrived };
            }
        };
        Landed { request, tries, result }
    }

    /// Tells the feed's gate what the try taught about its pace.
    fn pace(&self, permit: Permit, answer: &Result<Answer, TransportError>) {
        let feedback = match answer {
            Ok(answer) if answer.status == 429 => Feedback::Refused {
                limit: match answer.headers.mp_rate_limit_exceeded.as_deref() {
                    Some("acceleration") => Limit::Acceleration,
                    Some(_) => Limit::Speed,
                    None => Limit::Other,
                },
                retry_after: answer.headers.retry_delay(),
            },
            Ok(answer) if answer.status >= 500 => {
                Feedback::Failed { retry_after: answer.headers.retry_delay() }
            }
            Ok(answer) => Feedback::Answered {
                elapsed: answer.elapsed,
                percent_used: answer.headers.mp_rate_limit_percentage_used,
            },
            Err(_) => Feedback::Failed { retry_after: None },
        };
        self.tools.gate.answered(permit, feedback);
        if let Some(percent) = self.tools.gate.percent_used() {
            self.tools.reports.side(Side::Mparticle, SideNews::Rate(percent));
        }
    }

    fn body(&self, request: &OutboxRequest) -> Bytes {
        let ids: Vec<String> = (request.first_position..)
            .take(request.changes.len())
            .map(|position| source_request_id(&self.tools.installation, self.run, self.began, position))
            .collect();
        let changes = request.changes.iter().zip(ids.iter().map(String::as_str));
        self.tools.encoder.request_body(&self.attribute, self.removal, changes)
    }

    /// What a verdict means for the request.
    fn conclude(
        &self,
        verdict: Verdict,
        answer: &Result<Answer, TransportError>,
        may_have_arrived: bool,
    ) -> Next {
        let status = answer.as_ref().map_or(0, |answer| answer.status);
        match verdict {
            Verdict::Accepted => {
                self.tools.reports.side(Side::Mparticle, SideNews::Answered);
                Next::Land(Landing::Answered { status, rejected: Vec::new() })
            }
            Verdict::AcceptedExcept(rejected) => {
                self.tools.reports.side(Side::Mparticle, SideNews::Answered);
                Next::Land(Landing::Answered { status, rejected })
            }
            Verdict::Rejected(reason) => {
                Next::Land(Landing::Answered { status, rejected: vec![(0, reason)] })
            }
            Verdict::Split(reason) => Next::Land(Landing::Split { reason }),
            Verdict::Refused(reason) => Next::Land(Landing::Refused { reason }),
            Verdict::Retry { reason, retry_after } if self.last_call.is_cancelled() => {
                tracing::debug!(%reason, ?retry_after, "not tried again, for the run ends");
                Next::Land(Landing::Stopped { may_have_arrived })
            }
            Verdict::Retry { reason, retry_after } => Next::Retry { reason, retry_after },
        }
    }

    /// Waits before the next try; false when the run ends meanwhile.
    async fn wait(&self, delay: Duration, tries: u32, reason: &str) -> bool {
        let of = self.tools.backoff.tries;
        let text = format!("try {} of {of} in {:.0} s: {reason}", tries + 1, delay.as_secs_f64().ceil());
        tracing::info!(run = %self.run, "{text}");
        self.tools.reports.side(Side::Mparticle, SideNews::Retrying(reason.to_owned()));
        self.tools.reports.run(self.cohort, RunNews::Waiting(Some(text)));
        let goes_on = tokio::select! {
            () = tokio::time::sleep(delay) => true,
            () = self.last_call.cancelled() => false,
        };
        self.tools.reports.run(self.cohort, RunNews::Waiting(None));
        goes_on
    }

    /// Notes the try in the journal, without waiting for it.
    fn journal(&self, answer: &Result<Answer, TransportError>, users: usize, bytes: usize, attempt: u32) {
        let (status, elapsed, text) = match answer {
            Ok(answer) => (
                Some(answer.status),
                answer.elapsed,
                crate::http::text::excerpt(
                    &String::from_utf8_lossy(&answer.body),
                    crate::http::text::EXCERPT_LIMIT,
                ),
            ),
            Err(error) => (None, Duration::ZERO, error.to_string()),
        };
        self.tools.journal(JournalEntry {
            at: self.tools.clock.now(),
            run: Some(self.run),
            cohort: Some(self.cohort),
            side: Side::Mparticle,
            what: "batches".to_owned(),
            users: users as u64,
            bytes: bytes as u64,
            status,
            elapsed,
            attempt,
            answer: text,
        });
    }
}

/// What to do with a request after a try.
enum Next {
    Land(Landing),
    Retry { reason: String, retry_after: Option<Duration> },
}
