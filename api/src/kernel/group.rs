//! Requests that arrive together are written by one transaction, and each has its own result.
//!
//! Nobody waits for company: whoever comes while nothing is being written is written at once, and those
//! who come meanwhile are the next group. So the group grows with the load, and what a request costs
//! shrinks with it.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot::{self, Sender};

use super::background;
use super::problem::{Code, Outcome, Problem, Refusal};

/// A group has at most so many members.
const MEMBERS_MAX: usize = 128;
/// Whoever would stand behind so many others is refused.
const WAITING_MAX: usize = 2048;

type Member<J, R> = (J, Sender<Outcome<R>>);

struct Line<J, R> {
    waiting: VecDeque<Member<J, R>>,
    /// Somebody writes, and will look for more afterwards.
    served: bool,
}

/// Where requests of one kind meet.
pub struct Group<J, R>(Arc<Mutex<Line<J, R>>>);

impl<J: 'static, R: 'static> Default for Group<J, R> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Line { waiting: VecDeque::new(), served: false })))
    }
}

impl<J: 'static, R: 'static> Group<J, R> {
    /// Has `job` done with those that arrive together with it, by `together`, in one transaction that waits
    /// for nobody long; or, if the group failed as a whole, by `alone`, while others go on.
    ///
    /// # Errors
    /// What the work says of this job; `busy` behind too many others.
    pub async fn join(
        &self,
        job: J,
        together: impl AsyncFn(&[J]) -> Outcome<Vec<Outcome<R>>> + 'static,
        alone: impl AsyncFn(&J) -> Outcome<R> + 'static,
    ) -> Outcome<R> {
        let busy = || Problem::from(Refusal { retry_after: Some(1), ..Code::Busy.into() });
        let (sender, answer) = oneshot::channel();
        let serves = {
            let mut line = lock(&self.0);
            if line.waiting.len() >= WAITING_MAX {
                return Err(busy());
            }
            line.waiting.push_back((job, sender));
            !std::mem::replace(&mut line.served, true)
        };
        if serves {
            let mut desk = Desk { line: self.0.clone(), closed: false };
            let alone = Rc::new(alone);
            background::start(async move {
                while let Some(members) = desk.next() {
                    serve(members, &together, &alone).await;
                }
            });
        }
        answer.await.unwrap_or_else(|_| Err(busy()))
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

async fn serve<J, R>(
    members: Vec<Member<J, R>>,
    together: &impl AsyncFn(&[J]) -> Outcome<Vec<Outcome<R>>>,
    alone: &Rc<impl AsyncFn(&J) -> Outcome<R> + 'static>,
) where
    J: 'static,
    R: 'static,
{
    let (jobs, senders): (Vec<_>, Vec<_>) = members.into_iter().unzip();
    // Who has gone away finds the answer under the same key, so nobody minds an answer that is not taken.
    match together(&jobs).await {
        Ok(results) if results.len() == jobs.len() => {
            for (sender, result) in senders.into_iter().zip(results) {
                let _ = sender.send(result);
            }
        }
        // One that is in the way of others, or a wait that took too long: nobody else pays for it.
        _ => {
            for (job, sender) in jobs.into_iter().zip(senders) {
                let alone = alone.clone();
                background::start(async move {
                    let _ = sender.send(alone(&job).await);
                });
            }
        }
    }
}
