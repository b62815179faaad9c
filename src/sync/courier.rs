//! One request on its way: its body, its tries, what each answer means, and what is left in doubt when it comes back.
//! Which requests leave, and what is recorded of those that came back, is for `send`.

use super::report::{RunNews, SideNews};
use super::run::Run;
use super::tools::Tools;
use crate::domain::{CohortId, RunId};
use crate::http::backoff::jitter;
use crate::http::text::excerpt;
use crate::http::{Answer, Feedback, Limit, Line, Permit, TransportError};
use crate::mparticle::{Letter, RunEncoder, Verdict, judge_failure};
use crate::store::{ANSWER_CHARACTERS, JournalEntry, JournalLine, ONE_COHORT, OutboxRequest, Side};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A request that came back.
pub(super) struct Landed {
    pub request: OutboxRequest,
    pub tries: u32,
    pub result: Landing,
}

/// What became of a request.
pub(super) enum Landing {
    /// Answered; some of its users may be rejected. The journal has an entry of every other try already; that of this
    /// one is noted when the answer is recorded.
    Answered { status: u16, rejected: Vec<(usize, String)>, earlier: Trace, entry: Box<JournalEntry> },
    /// Refused as a whole; it must be split.
    Split { reason: String, earlier: Trace },
    /// The feed refuses us.
    Refused { reason: String, earlier: Trace },
    /// Tried as often as the policy says.
    GaveUp { reason: String, trace: Trace },
    /// The run ends; the request was not tried again.
    Stopped { trace: Trace },
}

/// What the tries of a request may have left behind at mParticle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trace {
    /// Nothing: it never left, or was refused.
    None,
    /// Perhaps the change, but no copy is on its way any more: every try was answered.
    Perhaps,
    /// Perhaps the change, and perhaps a copy that has still to arrive.
    OnItsWay,
}

impl Trace {
    /// What one try left behind. A server that fails may have applied the request first; one that refuses it
    /// has not; and where there was no answer, nobody knows how far the request came, or will come. A gateway
    /// that gave up waiting is no answer of the server's, which may still be at work on the request.
    fn of(answer: &Result<Answer, TransportError>) -> Self {
        match answer {
            Ok(answer) if (400..500).contains(&answer.status) => Self::None,
            Ok(answer) if answer.status == GATEWAY_TIMEOUT => Self::OnItsWay,
            Ok(_) => Self::Perhaps,
            Err(error) if error.may_have_arrived() => Self::OnItsWay,
            Err(_) => Self::None,
        }
    }
}

/// The status of a gateway that did not hear from the server in time.
const GATEWAY_TIMEOUT: u16 = 504;

/// Carries one request through its tries.
pub(super) struct Courier {
    tools: Tools,
    /// The run that it is noted with: the first of those that send together.
    run: RunId,
    /// The cohorts it is about.
    cohorts: Vec<CohortId>,
    /// Where it waits for its turn.
    line: Line,
    last_call: CancellationToken,
}

/// What a courier carries.
pub(super) struct Load {
    /// The body of the request.
    pub body: Bytes,
    /// Users in it, each a batch.
    pub users: usize,
    /// The position of its first change within the run it is noted with.
    pub first_position: u64,
    /// Cohorts it is about.
    pub cohorts: usize,
}

/// The courier of one run's requests, shared by all that are under way.
pub(super) struct OwnCourier {
    courier: Courier,
    encoder: RunEncoder,
}

impl OwnCourier {
    pub(super) fn new(run: &Run, last_call: CancellationToken) -> Self {
        let (id, cohort) = (run.record.id, run.record.cohort_id);
        let encoder = run.tools.encoder.of_run(&Letter {
            installation: &run.tools.installation,
            run: id,
            began: run.record.started_at,
            cohort,
            attribute: run.record.attribute.as_str(),
            removal: run.record.purpose.removal(),
        });
        let line = Line::of(id.0);
        let courier = Courier::of_several(run.tools.clone(), id, vec![cohort], line, last_call);
        Self { courier, encoder }
    }

    /// Carries a request until it is answered for good, given up or stopped; `earlier` is what tries before
    /// these may have left behind.
    pub(super) async fn deliver(self: Arc<Self>, request: OutboxRequest, earlier: Trace) -> Landed {
        let load = Load {
            body: self.encoder.body(request.first_position, &request.changes),
            users: request.changes.len(),
            first_position: request.first_position,
            cohorts: 1,
        };
        let (tries, result) = self.courier.carry(load, earlier).await;
        Landed { request, tries, result }
    }
}

impl Courier {
    pub(super) fn of_several(
        tools: Tools,
        run: RunId,
        cohorts: Vec<CohortId>,
        line: Line,
        last_call: CancellationToken,
    ) -> Self {
        Self { tools, run, cohorts, line, last_call }
    }

    /// Carries a load until it is answered for good, given up or stopped, and says in how many tries.
    pub(super) async fn carry(&self, load: Load, earlier: Trace) -> (u32, Landing) {
        let mut tries = 0;
        let mut trace = earlier;
        let result = loop {
            let entered = tokio::select! {
                permit = self.tools.gate.enter(self.line, load.users) => Some(permit),
                () = self.last_call.cancelled() => None,
            };
            let Some(permit) = entered else { break Landing::Stopped { trace } };
            tries += 1;
            let sent = Instant::now();
            let answer = self.tools.mparticle.post(&load.body).await;
            let verdict = match &answer {
                Ok(answer) => self.tools.mparticle.judge(answer, load.users),
                Err(error) => judge_failure(error),
            };
            let attempt = Attempt { number: tries, elapsed: sent.elapsed(), bytes: load.body.len() };
            let entry = Box::new(self.entry(&load, &attempt, &answer, &verdict));
            self.pace(permit, &answer);
            let earlier = trace;
            trace = earlier.max(Trace::of(&answer));
            let (reason, retry_after) = match self.conclude(verdict, earlier, trace) {
                Next::Answered { rejected } => {
                    let status = answer.as_ref().map_or(0, |answer| answer.status);
                    break Landing::Answered { status, rejected, earlier, entry };
                }
                Next::Land(landing) => {
                    self.tools.journal(*entry);
                    break landing;
                }
                Next::Retry { reason, retry_after } => {
                    self.tools.journal(*entry);
                    (reason, retry_after)
                }
            };
            let Some(delay) = self.tools.backoff.delay(tries, jitter(), retry_after) else {
                self.tools.reports.side(Side::Mparticle, SideNews::Down(reason.clone()));
                let reason = format!(
                    "mParticle did not take a request in {tries} tries: {reason}. The next run goes on from here"
                );
                break Landing::GaveUp { reason, trace };
            };
            if !self.wait(delay, tries, &reason).await {
                break Landing::Stopped { trace };
            }
        };
        (tries, result)
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

    /// What a verdict means for the request.
    fn conclude(&self, verdict: Verdict, earlier: Trace, trace: Trace) -> Next {
        match verdict {
            Verdict::Accepted => {
                self.tools.reports.side(Side::Mparticle, SideNews::Answered);
                Next::Answered { rejected: Vec::new() }
            }
            Verdict::AcceptedExcept(rejected) => {
                self.tools.reports.side(Side::Mparticle, SideNews::Answered);
                Next::Answered { rejected }
            }
            Verdict::Rejected(reason) => Next::Answered { rejected: vec![(0, reason)] },
            // A 202 that names nobody has taken most of them all the same.
            Verdict::Split(reason) => Next::Land(Landing::Split { reason, earlier: trace }),
            Verdict::Refused(reason) => Next::Land(Landing::Refused { reason, earlier }),
            Verdict::Retry { reason, retry_after } if self.last_call.is_cancelled() => {
                tracing::debug!(%reason, ?retry_after, "not tried again, for the run ends");
                Next::Land(Landing::Stopped { trace })
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
        for cohort in &self.cohorts {
            self.tools.reports.run(*cohort, RunNews::Waiting(Some(text.clone())));
        }
        let goes_on = tokio::select! {
            () = tokio::time::sleep(delay) => true,
            () = self.last_call.cancelled() => false,
        };
        for cohort in &self.cohorts {
            self.tools.reports.run(*cohort, RunNews::Waiting(None));
        }
        goes_on
    }

    /// What the journal says of a try.
    fn entry(
        &self,
        load: &Load,
        attempt: &Attempt,
        answer: &Result<Answer, TransportError>,
        verdict: &Verdict,
    ) -> JournalEntry {
        let (status, elapsed, text) = match answer {
            Ok(answer) => {
                let body = String::from_utf8_lossy(&answer.body);
                // One character is left for the sign that something was cut.
                (Some(answer.status), answer.elapsed, excerpt(&body, ANSWER_CHARACTERS - 1))
            }
            Err(error) => (None, attempt.elapsed, error.to_string()),
        };
        let users = load.users as u64;
        let line = JournalLine {
            at: self.tools.clock.now(),
            run: Some(self.run),
            cohort: self.cohorts.first().copied(),
            side: Side::Mparticle,
            what: match load.cohorts {
                0 | 1 => ONE_COHORT.to_owned(),
                many => format!("batches of {many} cohorts"),
            },
            first_position: Some(load.first_position),
            users,
            accepted: verdict.accepted(users),
            bytes: attempt.bytes as u64,
            status,
            elapsed,
            attempt: attempt.number,
        };
        JournalEntry { line, request: self.tools.mparticle.heading(), answer: text }
    }
}

/// A try of a request.
struct Attempt {
    number: u32,
    elapsed: Duration,
    bytes: usize,
}

/// What to do with a request after a try.
enum Next {
    /// It is answered, except that these were rejected.
    Answered {
        rejected: Vec<(usize, String)>,
    },
    Land(Landing),
    Retry {
        reason: String,
        retry_after: Option<Duration>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::AnswerHeaders;

    #[test]
    fn only_what_the_server_itself_answered_is_not_on_its_way() {
        let trace = |status| {
            let headers = AnswerHeaders::default();
            Trace::of(&Ok(Answer { status, headers, body: Bytes::new(), elapsed: Duration::ZERO }))
        };
        assert_eq!([400, 413, 429].map(trace), [Trace::None; 3]);
        assert_eq!([202, 500, 503].map(trace), [Trace::Perhaps; 3]);
        assert_eq!(trace(504), Trace::OnItsWay);
    }
}
