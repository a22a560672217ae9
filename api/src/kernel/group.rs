//! Requests that arrive together are written by one transaction, or looked up by one statement, and each
//! has its own result.
//!
//! Nobody waits for company: whoever comes to a free desk is served at once, and those who come meanwhile
//! are the next group. So the group grows with the load, and what a request costs shrinks with it.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
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
/// So many groups are written at once, each of other places: while one waits for the disk, the other is on
/// its way. Two of one place would wait for each other's rows; more desks have smaller groups, which cost more.
const DESKS: usize = 2;
/// Whoever would stand behind so many others at a desk is refused.
const WAITING_MAX: usize = 1024;
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

type SharedLine<J, R> = Arc<Mutex<Line<J, R>>>;

/// Where requests of one kind meet.
pub struct Group<J, R> {
    lines: [SharedLine<J, R>; DESKS],
    parts: Arc<Semaphore>,
    singles: Arc<Semaphore>,
    answered_within: Duration,
}

impl<J: Job, R: 'static> Default for Group<J, R> {
    fn default() -> Self {
        Self {
            answered_within: ANSWERED_WITHIN,
            lines: std::array::from_fn(|_| line()),
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
        let shared = self.line_of(job.place());
        let serves = {
            let mut line = lock(shared);
            if line.waiting.len() >= WAITING_MAX {
                return Err(busy());
            }
            line.waiting.push_back((job, sender));
            !std::mem::replace(&mut line.served, true)
        };
        if serves {
            let mut desk = Desk { line: shared.clone(), closed: false };
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

    /// Always the same for a place.
    fn line_of(&self, place: &str) -> &SharedLine<J, R> {
        let mut hasher = DefaultHasher::new();
        place.hash(&mut hasher);
        let [first, second] = &self.lines;
        if hasher.finish().is_multiple_of(2) { first } else { second }
    }
}

fn line<J, R>() -> SharedLine<J, R> {
    Arc::new(Mutex::new(Line { waiting: VecDeque::new(), served: false }))
}

fn lock<J, R>(line: &Mutex<Line<J, R>>) -> MutexGuard<'_, Line<J, R>> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where one group after the other is served; given up when it is dropped, however that comes.
struct Desk<J, R> {
    line: SharedLine<J, R>,
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

    /// Where somebody is, and what they want done.
    impl Job for &'static str {
        fn place(&self) -> &str {
            self.split(' ').next().unwrap_or_default()
        }
    }

    /// One desk waits for the disk; whoever is of one of its places is in the next group, others are not.
    #[actix_web::test]
    async fn a_place_has_one_desk_and_does_not_wait_for_the_other() {
        let group = Group::<&'static str, usize>::default();
        let (disk, came) = (Rc::new(Notify::new()), Rc::new(Notify::new()));
        let join = async |job: &'static str| {
            let (disk, came) = (disk.clone(), came.clone());
            let together = async move |jobs: &[&'static str]| {
                if jobs == ["here first"] {
                    came.notify_one();
                    disk.notified().await;
                }
                Ok(jobs.iter().map(|_| Ok(jobs.len())).collect())
            };
            group.join(job, together, async |_: &&str| Ok(0)).await.expect("an answer")
        };
        let here = group.line_of("here");
        let mut elsewhere = ["a", "b", "c", "d", "e", "f", "g", "h"].into_iter();
        let elsewhere = elsewhere.find(|place| !Arc::ptr_eq(group.line_of(place), here));
        let others = async {
            came.notified().await;
            assert_eq!(join(elsewhere.expect("a place of the other desk")).await, 1);
            let next = futures::future::join(join("here second"), join("here third"));
            let free = async {
                while lock(here).waiting.len() < 2 {
                    tokio::task::yield_now().await;
                }
                disk.notify_one();
            };
            assert_eq!(futures::future::join(next, free).await.0, (2, 2));
        };
        assert_eq!(futures::future::join(join("here first"), others).await.0, 1);
    }

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
