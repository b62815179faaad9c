//! The thread that keeps the store. SQLite blocks, and the tasks that need it must not, so they send the
//! question and wait for the answer; one thread also means that no two writers ever wait for each other. Short notes that
//! wait in a row are made durable together, since that is what takes time about each of them.

use super::{Store, StoreError};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use tokio::sync::oneshot;

type Question = Box<dyn FnOnce(&mut Store) + Send>;

/// A question that may be answered together with others: done first, answered when it is known whether it was kept.
type Note = Box<dyn FnOnce(&mut Store) -> Reply + Send>;
type Reply = Box<dyn FnOnce(&Result<(), StoreError>) + Send>;

/// Notes that are kept together at most: whoever asks next does not wait long.
const TOGETHER_AT_MOST: usize = 256;

/// What the store's thread is told.
enum Message {
    Ask(Question),
    Note(Note),
    Close(oneshot::Sender<()>),
}

/// A cheap handle on the store's thread; the store closes when it is told to or the last handle is dropped.
#[derive(Clone, Debug)]
pub struct Keeper {
    messages: mpsc::Sender<Message>,
    activity: Activity,
}

/// Counts what is being done with a store on threads that block; clones count the same.
#[derive(Clone, Debug, Default)]
pub struct Activity(Arc<AtomicUsize>);

/// Something that is being done with a store until this is dropped.
#[derive(Debug)]
pub struct Active(Activity);

impl Activity {
    /// Whether nothing is being done.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }

    fn begin(&self) -> Active {
        self.0.fetch_add(1, Ordering::AcqRel);
        Active(self.clone())
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Keeper {
    /// Moves an open store to a thread of its own.
    ///
    /// # Errors
    /// [`StoreError::Closed`] when the system gives no thread.
    pub fn start(mut store: Store) -> Result<Self, StoreError> {
        let (messages, waiting) = mpsc::channel::<Message>();
        thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                let mut next = waiting.recv().ok();
                while let Some(message) = next {
                    next = match message {
                        Message::Ask(question) => {
                            question(&mut store);
                            None
                        }
                        Message::Note(note) => {
                            let (notes, other) = those_in_a_row(note, &waiting);
                            keep(&mut store, notes);
                            other
                        }
                        Message::Close(done) => {
                            drop(store);
                            // Whoever closed it may not care when it is done.
                            let _ = done.send(());
                            break;
                        }
                    }
                    .or_else(|| waiting.recv().ok());
                }
            })
            .map_err(|_| StoreError::Closed)?;
        Ok(Self { messages, activity: Activity::default() })
    }

    /// What is being done with the store: every question counts until it is answered.
    #[must_use]
    pub fn activity(&self) -> Activity {
        self.activity.clone()
    }

    /// Counts somebody who reads the store past the keeper, for as long as that lasts.
    #[must_use]
    pub fn reading(&self) -> Active {
        self.activity.begin()
    }

    /// Asks the store something. The question takes its place in the queue at once, before the answer is
    /// waited for, and is carried out even when nobody waits for the answer.
    ///
    /// # Errors
    /// What the question returns, or [`StoreError::Closed`] when the store is closed.
    pub fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send + 'static {
        let (reply, answer) = oneshot::channel();
        let active = self.activity.begin();
        let question: Question = Box::new(move |store| {
            // Nobody waits any more when the caller was cancelled; what was asked is done all the same.
            let _ = reply.send(question(store));
            // Only now, so that nobody believes the store at rest before whoever asked has been woken.
            drop(active);
        });
        // A closed store drops the question, and with it the sender that the answer is waited for from.
        let _ = self.messages.send(Message::Ask(question));
        async move { answer.await.map_err(|_| StoreError::Closed)? }
    }

    /// Asks the store for something short, which may become durable together with other such things: the answer comes
    /// once it is. Everything else is as with [`Keeper::ask`].
    ///
    /// # Errors
    /// What the question returns, what kept it from becoming durable, or [`StoreError::Closed`].
    pub fn note<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send + 'static {
        let (reply, answer) = oneshot::channel();
        let active = self.activity.begin();
        let note: Note = Box::new(move |store| {
            let done = question(store);
            Box::new(move |kept| {
                let kept = kept.as_ref().map_err(StoreError::for_another);
                // As above.
                let _ = reply.send(done.and_then(|done| kept.map(|()| done)));
                drop(active);
            })
        });
        // As above.
        let _ = self.messages.send(Message::Note(note));
        async move { answer.await.map_err(|_| StoreError::Closed)? }
    }

    /// Closes the store after everything that was asked before, and gives the lock back.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.messages.send(Message::Close(done)).is_ok() {
            // An error means that the thread is gone, so the store is closed as well.
            let _ = closed.await;
        }
    }
}

/// A note and those that wait right behind it, and what was found there instead of a further one.
fn those_in_a_row(first: Note, waiting: &mpsc::Receiver<Message>) -> (Vec<Note>, Option<Message>) {
    let mut notes = vec![first];
    while notes.len() < TOGETHER_AT_MOST {
        match waiting.try_recv() {
            Ok(Message::Note(note)) => notes.push(note),
            Ok(other) => return (notes, Some(other)),
            // Nobody waits, or nobody is left who could.
            Err(_) => break,
        }
    }
    (notes, None)
}

/// Does what notes ask for and answers each, all in one transaction. One that makes the database take everything back
/// takes those before it along, which are told; those behind it are done one by one.
fn keep(store: &mut Store, notes: Vec<Note>) {
    let mut notes = notes.into_iter();
    let mut replies: Vec<Reply> = Vec::new();
    let kept = store.together(|store| {
        for note in notes.by_ref() {
            replies.push(note(store));
            if !store.is_together() {
                break;
            }
        }
    });
    for reply in replies {
        reply(&kept);
    }
    for note in notes {
        note(store)(&Ok(()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeper(directory: &std::path::Path) -> Keeper {
        Keeper::start(Store::open(directory, "a test").unwrap()).unwrap()
    }

    /// Asks for so many things at once, while the store is kept from beginning with them.
    async fn remember(keeper: &Keeper, count: usize, spoil: Option<usize>) -> Vec<Result<(), StoreError>> {
        let (go, held) = mpsc::channel::<()>();
        let holding = keeper.ask(move |_| {
            held.recv().unwrap();
            Ok(())
        });
        let asked: Vec<_> = (0..count)
            .map(|number| {
                keeper.note(move |store| {
                    store.remember(&format!("key {number}"), "value")?;
                    if spoil == Some(number) {
                        // As SQLite does by itself when the disk is full.
                        store.connection.execute_batch("ROLLBACK")?;
                        return Err(StoreError::DiskFull);
                    }
                    Ok(())
                })
            })
            .collect();
        go.send(()).unwrap();
        holding.await.unwrap();
        futures_util::future::join_all(asked).await
    }

    #[tokio::test]
    async fn notes_in_a_row_are_kept_at_the_cost_of_one() {
        let directory = tempfile::tempdir().unwrap();
        let keeper = keeper(directory.path());
        let before = keeper.ask(|store| Ok(store.connection.total_changes())).await.unwrap();
        let commits = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&commits);
        let count = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            false
        };
        keeper.ask(move |store| Ok(store.connection.commit_hook(Some(count))?)).await.unwrap();
        assert!(remember(&keeper, 20, None).await.iter().all(Result::is_ok));
        assert_eq!(commits.load(Ordering::Relaxed), 1);
        let after = keeper.ask(|store| Ok(store.connection.total_changes())).await.unwrap();
        assert_eq!(after - before, 20);
    }

    #[tokio::test]
    async fn what_was_taken_back_is_told_to_whoever_it_concerns_and_to_nobody_else() {
        let directory = tempfile::tempdir().unwrap();
        let keeper = keeper(directory.path());
        let answers = remember(&keeper, 6, Some(3)).await;
        let kept: Vec<bool> = answers.iter().map(Result::is_ok).collect();
        assert_eq!(kept, [false, false, false, false, true, true]);
        assert!(matches!(answers[3], Err(StoreError::DiskFull)));
        let reader = crate::store::Reader::open(directory.path()).unwrap();
        for (number, kept) in kept.into_iter().enumerate() {
            assert_eq!(reader.remembered(&format!("key {number}")).unwrap().is_some(), kept, "{number}");
        }
    }
}
