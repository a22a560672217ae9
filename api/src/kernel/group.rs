//! Requests that arrive together are written by one transaction, or looked up by one statement, and each
//! has its own result.
//!
//! Nobody waits for company: whoever comes while nothing is being done is served at once, and those who
//! come meanwhile are the next group. So the group grows with the load, and what a request costs shrinks
//! with it.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::sync::oneshot::{self, Sender};
use tokio::time::timeout;

use super::background;
use super::problem::{Code, Outcome, Problem, Refusal};

/// A group has at most so many members.
const MEMBERS_MAX: usize = 128;
/// Whoever would stand behind so many others is refused.
const WAITING_MAX: usize = 2048;
/// Of a group that failed, so many parts are tried again at once; and so many members by themselves, each
/// of which may wait for long with a connection of the database.
const AGAIN_AT_ONCE: usize = 4;
/// Longer than a connection of the database is waited for: then the next try is the caller's.
const ANSWERED_WITHIN: Duration = Duration::from_secs(15);

/// What requests of one kind have to be done.
pub trait Job: 'static {
    /// Who of a group can be in each other's way: those of one place.
    fn place(&self) -> &str;
}

type Member<J, R> = (J, Sender<Outcome<R>>);

struct Line<J, R> {
    waiting: VecDeque<Member<J, R>>,
    /// Somebody writes, and will look for more afterwards.
    served: bool,
}

/// Where requests of one kind meet.
pub struct Group<J, R> {
    line: Arc<Mutex<Line<J, R>>>,
    parts: Arc<Semaphore>,
    singles: Arc<Semaphore>,
    answered_within: Duration,
}

impl<J: Job, R: 'static> Default for Group<J, R> {
    fn default() -> Self {
        Self {
            answered_within: ANSWERED_WITHIN,
            line: Arc::new(Mutex::new(Line { waiting: VecDeque::new(), served: false })),
            parts: Arc::new(Semaphore::new(AGAIN_AT_ONCE)),
            singles: Arc::new(Semaphore::new(AGAIN_AT_ONCE)),
        }
    }
}

impl<J: Job, R: 'static> Group<J, R> {
    /// Has `job` done with those that arrive together with it, by `together`, which waits for no lock long.
    /// A group that fails as a whole is tried again place by place, and where that fails too, each by
    /// `alone`, while others go on.
    ///
    /// # Errors
    /// What the work says of this job; `busy` behind too many others, or after 15 seconds. What has not
    /// begun by then never does; what has is found under the same key.
    pub async fn join(
        &self,
        job: J,
        together: impl AsyncFn(&[J]) -> Outcome<Vec<Outcome<R>>> + 'static,
        alone: impl AsyncFn(&J) -> Outcome<R> + 'static,
    ) -> Outcome<R> {
        let busy = || Problem::from(Refusal { retry_after: Some(1), ..Code::Busy.into() });
        let (sender, answer) = oneshot::channel();
        let serves = {
            let mut line = lock(&self.line);
            if line.waiting.len() >= WAITING_MAX {
                return Err(busy());
            }
            line.waiting.push_back((job, sender));
            !std::mem::replace(&mut line.served, true)
        };
        if serves {
            let mut desk = Desk { line: self.line.clone(), closed: false };
            let (parts, singles) = (self.parts.clone(), self.singles.clone());
            let ways = Rc::new(Ways { together, alone, parts, singles });
            background::start(async move {
                while let Some(members) = desk.next() {
                    serve(&ways, members).await;
                }
            });
        }
        match timeout(self.answered_within, answer).await {
            Ok(Ok(answer)) => answer,
            _ => Err(busy()),
        }
    }
}

fn lock<J, R>(line: &Mutex<Line<J, R>>) -> MutexGuard<'_, Line<J, R>> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where one group after the other is served; given up when it is dropped, however that comes.
struct Desk<J, R> {
    line: Arc<Mutex<Line<J, R>>>,
    closed: bool,
}

impl<J, R> Desk<J, R> {
    fn next(&mut self) -> Option<Vec<Member<J, R>>> {
        let mut line = lock(&self.line);
        line.waiting.retain(|(_, sender)| !sender.is_closed());
        let members = line.waiting.len().min(MEMBERS_MAX);
        line.served = members > 0;
        self.closed = members == 0;
        (members > 0).then(|| line.waiting.drain(..members).collect())
    }
}

impl<J, R> Drop for Desk<J, R> {
    fn drop(&mut self) {
        if self.closed {
            return;
        }
        let mut line = lock(&self.line);
        line.served = false;
        // Nobody would serve them before the next one comes: they are told to try again.
        line.waiting.clear();
    }
}

/// How a group's work is done.
struct Ways<T, A> {
    together: T,
    alone: A,
    parts: Arc<Semaphore>,
    singles: Arc<Semaphore>,
}

async fn serve<J, R, T, A>(ways: &Rc<Ways<T, A>>, members: Vec<Member<J, R>>)
where
    J: Job,
    R: 'static,
    T: AsyncFn(&[J]) -> Outcome<Vec<Outcome<R>>> + 'static,
    A: AsyncFn(&J) -> Outcome<R> + 'static,
{
    let Some(members) = done_together(&**ways, members).await else { return };
    let mut places = BTreeMap::<String, Vec<Member<J, R>>>::new();
    for member in members {
        places.entry(member.0.place().to_owned()).or_default().push(member);
    }
    let apart = places.len() > 1;
    for members in places.into_values() {
        let ways = ways.clone();
        background::start(async move {
            let left = match apart {
                true => {
                    let _turn = ways.parts.acquire().await;
                    done_together(&*ways, members).await
                }
                false => Some(members),
            };
            left.into_iter().flatten().for_each(|member| begin_alone(&ways, member));
        });
    }
}

/// Gives the members back if nothing could be done for them together: one is in the way of others, or
/// somebody has to be waited for. Who has gone away finds the answer under the same key, so nobody minds
/// an answer that is not taken.
async fn done_together<J, R, T, A>(
    ways: &Ways<T, A>,
    members: Vec<Member<J, R>>,
) -> Option<Vec<Member<J, R>>>
where
    T: AsyncFn(&[J]) -> Outcome<Vec<Outcome<R>>>,
{
    let (jobs, senders): (Vec<_>, Vec<_>) = members.into_iter().unzip();
    match (ways.together)(&jobs).await {
        Ok(results) if results.len() == jobs.len() => {
            for (sender, result) in senders.into_iter().zip(results) {
                let _ = sender.send(result);
            }
            None
        }
        _ => Some(jobs.into_iter().zip(senders).collect()),
    }
}

fn begin_alone<J, R, T, A>(ways: &Rc<Ways<T, A>>, (job, sender): Member<J, R>)
where
    J: Job,
    R: 'static,
    T: 'static,
    A: AsyncFn(&J) -> Outcome<R> + 'static,
{
    let ways = ways.clone();
    background::start(async move {
        let _turn = ways.singles.acquire().await;
        if sender.is_closed() {
            return;
        }
        let _ = sender.send((ways.alone)(&job).await);
    });
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use futures::future::join_all;
    use tokio::sync::Notify;

    use super::*;

    impl Job for u8 {
        fn place(&self) -> &str {
            "here"
        }
    }

    /// Four wait for somebody; who stands behind them is told to come again, and is not served when gone.
    #[actix_web::test]
    async fn who_waits_too_long_is_told_so_and_their_work_never_begins() {
        let group = Group { answered_within: Duration::from_millis(50), ..Group::default() };
        let begun = Rc::new(RefCell::new(Vec::new()));
        let way = Rc::new(Notify::new());
        let join = async |job: u8| {
            let (begun, way) = (begun.clone(), way.clone());
            let alone = async move |job: &u8| {
                begun.borrow_mut().push(*job);
                if *job < 5 {
                    way.notified().await;
                }
                Ok(*job)
            };
            group.join(job, async |_: &[u8]| Err(Problem::fault("in the way")), alone).await
        };
        for answer in join_all((1..=5).map(&join)).await {
            assert_eq!(answer.expect_err("too long").refusal().code, Code::Busy);
        }
        assert_eq!(*begun.borrow(), [1, 2, 3, 4]);
        way.notify_waiters();
        assert_eq!(join(6).await.expect("a turn"), 6);
        assert_eq!(*begun.borrow(), [1, 2, 3, 4, 6], "the fifth has gone");
    }
}
