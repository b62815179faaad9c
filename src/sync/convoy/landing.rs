//! What a convoy makes of a request that came back: each cohort is told what became of its own, what was refused is
//! taken apart until whoever caused it stands alone, and what was not answered is left as it must be.

use super::super::courier::{Landing, Trace};
use super::super::report::RunEnd;
use super::{Convoy, Landed, MemberNews, Ready};
use crate::domain::parcel::Batch;
use crate::domain::{Direction, PauseCause, RunId};
use crate::store::{Answered, Part, batches_of};
use std::collections::HashMap;

impl Convoy {
    /// Records what became of a request.
    pub(super) async fn land(&mut self, landed: Landed) -> Result<(), RunEnd> {
        let Landed { flight, parts, tries, result } = landed;
        self.aboard.remove(&flight);
        if tries > 1 {
            self.tell(&parts, || MemberNews::TriedAgain(tries - 1));
        }
        match result {
            Landing::Answered { status, rejected, earlier, entry } => {
                let answered = Answered { rejected, in_doubt: earlier != Trace::None, status, tries };
                self.tools.journal(*entry);
                self.answered(parts, answered, earlier).await
            }
            Landing::Split { reason, earlier } => self.split(parts, &reason, earlier).await,
            Landing::Refused { reason, earlier } => {
                self.leave(parts, earlier).await?;
                let cause = PauseCause::MparticleFeed;
                self.finish_with(RunEnd::Paused { cause, reason, held: None });
                Ok(())
            }
            Landing::GaveUp { reason, trace } => {
                self.leave(parts, trace).await?;
                self.finish_with(RunEnd::Failed(reason));
                Ok(())
            }
            Landing::Stopped { trace } => self.leave(parts, trace).await,
        }
    }

    /// The first end counts, and it is everybody's: it is about the feed.
    fn finish_with(&mut self, end: RunEnd) {
        self.end.get_or_insert(end);
        self.last_call.cancel();
    }

    /// Records an answer. Nobody knows on account of which attribute a batch with several of them was refused, so its
    /// attributes are told one by one: each cohort is answered for what is its own.
    async fn answered(&mut self, parts: Vec<Part>, answered: Answered, earlier: Trace) -> Result<(), RunEnd> {
        let batches = batches_of(&parts);
        let mut refused: HashMap<(RunId, u64), String> = HashMap::new();
        let mut apart: Vec<Vec<usize>> = vec![Vec::new(); parts.len()];
        for (place, reason) in &answered.rejected {
            let Some(batch) = batches.get(*place) else { continue };
            // A copy that may still arrive bears another id than what would be told apart, and could land after it.
            let is_taken_apart = batch.len() > 1 && earlier != Trace::OnItsWay;
            for spot in batch {
                if is_taken_apart {
                    apart[spot.part].push(spot.place);
                } else {
                    let part = &parts[spot.part];
                    refused.insert((part.run, part.first_position + spot.place as u64), reason.clone());
                }
            }
        }
        let rest = if apart.iter().all(Vec::is_empty) {
            parts
        } else {
            for places in &mut apart {
                places.sort_unstable();
            }
            let pairs: Vec<(Part, Vec<usize>)> = parts.into_iter().zip(apart).collect();
            let (rest, out) = self.ask(move |store| store.take_out(&pairs)).await?;
            for part in out {
                self.ready.push_front(Ready { parts: vec![part], is_counted: true, earlier });
            }
            rest
        };
        let mut told: HashMap<RunId, Vec<(Direction, bool)>> = HashMap::new();
        let mut answers = Vec::new();
        for part in rest {
            let mut rejected = Vec::new();
            for (place, change) in part.changes.iter().enumerate() {
                let reason = refused.get(&(part.run, part.first_position + place as u64));
                told.entry(part.run).or_default().push((change.direction, reason.is_none()));
                rejected.extend(reason.map(|reason| (place, reason.clone())));
            }
            answers.push((part, Answered { rejected, ..answered.clone() }));
        }
        let at = self.tools.clock.now();
        self.ask(move |store| store.answer_parts(&answers, at)).await?;
        for member in &mut self.members {
            if let Some(told) = told.remove(&member.offer.run) {
                member.left = member.left.saturating_sub(told.len() as u64);
                // A member that is gone has nobody to hear it.
                let _ = member.offer.news.send(MemberNews::Answered(told));
            }
        }
        Ok(())
    }

    /// Cuts a request that was refused as a whole in two halves of people.
    async fn split(&mut self, parts: Vec<Part>, reason: &str, earlier: Trace) -> Result<(), RunEnd> {
        let batches = batches_of(&parts);
        tracing::info!(users = batches.len(), reason, "splitting a refused request");
        let cuts = cuts(&parts, &batches[..batches.len() / 2]);
        let (whole, places) = (parts.clone(), cuts.clone());
        self.ask(move |store| store.cut_parts(&whole, &places)).await?;
        let (mut front, mut back) = (Vec::new(), Vec::new());
        for (mut part, cut) in parts.into_iter().zip(cuts) {
            let behind = part.changes.split_off(cut);
            let first_position = part.first_position + cut as u64;
            back.push(Part { run: part.run, first_position, changes: behind });
            front.push(part);
        }
        for mut half in [back, front] {
            half.retain(|part| !part.changes.is_empty());
            if !half.is_empty() {
                self.ready.push_front(Ready { parts: half, is_counted: true, earlier });
            }
        }
        Ok(())
    }

    /// Leaves a request that was not answered for good, noting how much is in doubt about it. Nothing of what is sent
    /// again is ever put back.
    pub(super) async fn leave(&mut self, parts: Vec<Part>, trace: Trace) -> Result<(), RunEnd> {
        match trace {
            _ if self.again => Ok(()),
            Trace::None => self.ask(move |store| store.release_parts(&parts)).await,
            Trace::Perhaps => self.ask(move |store| store.doubt_parts(&parts)).await,
            Trace::OnItsWay => Ok(()),
        }
    }
}

/// How many changes of each part belong to the first batches.
fn cuts(parts: &[Part], first: &[Batch]) -> Vec<usize> {
    let mut cuts = vec![0; parts.len()];
    for spot in first.iter().flatten() {
        cuts[spot.part] += 1;
    }
    cuts
}
