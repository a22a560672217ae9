//! For how long something that can be done without is waited for, and then no more for a while.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long an answer is waited for.
pub const PATIENCE: Duration = Duration::from_millis(200);
/// How long nobody asks what has not answered: then one does, and if that is in vain, the next only after
/// as long again.
const REST: Duration = Duration::from_secs(1);

/// Whether something answers, e.g. Redis. While it does not, one request a second waits for it and all others
/// go on without.
pub struct Patience {
    began: Instant,
    /// Milliseconds since then before which nobody asks; 0 while it answers.
    rests_until: AtomicU64,
}

impl Default for Patience {
    fn default() -> Self {
        Self { began: Instant::now(), rests_until: AtomicU64::new(0) }
    }
}

impl Patience {
    /// What `asked` comes to; nothing if it takes too long, if `is_gone` says so of its error, or while it
    /// rests.
    pub async fn ask<T, E>(
        &self,
        asked: impl Future<Output = Result<T, E>>,
        is_gone: impl Fn(&E) -> bool,
    ) -> Option<T> {
        if !self.may_ask(self.began.elapsed()) {
            return None;
        }
        let answer = tokio::time::timeout(PATIENCE, asked).await;
        let gone = answer.as_ref().map_or(true, |it| it.as_ref().is_err_and(is_gone));
        self.heard(gone, self.began.elapsed());
        answer.ok()?.ok()
    }

    /// Of those who come after a rest, the first may.
    fn may_ask(&self, now: Duration) -> bool {
        let until = self.rests_until.load(Ordering::Acquire);
        if until == 0 || millis(now) < until {
            return until == 0;
        }
        let next = millis(now + REST);
        let taken =
            self.rests_until.compare_exchange(until, next, Ordering::AcqRel, Ordering::Acquire);
        taken.is_ok()
    }

    fn heard(&self, gone: bool, now: Duration) {
        let until = if gone { millis(now + REST) } else { 0 };
        self.rests_until.store(until, Ordering::Release);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn what_did_not_answer_is_asked_once_a_second() {
        let patience = Patience::default();
        assert!(patience.may_ask(at(0)) && patience.may_ask(at(0)), "everybody while it answers");
        patience.heard(true, at(200));
        assert!(!patience.may_ask(at(1_199)));
        assert!(patience.may_ask(at(1_200)), "one looks");
        assert!(!patience.may_ask(at(1_200)), "and no other while it does");
        patience.heard(true, at(1_400));
        assert!(!patience.may_ask(at(2_399)));
        assert!(patience.may_ask(at(2_400)));
        patience.heard(false, at(2_401));
        assert!(patience.may_ask(at(2_401)) && patience.may_ask(at(2_401)), "it is back");
    }

    /// Whoever looked and went away before the answer leaves the next look to somebody else.
    #[test]
    fn a_look_that_was_broken_off_is_followed_by_another() {
        let patience = Patience::default();
        patience.heard(true, at(0));
        assert!(patience.may_ask(at(1_000)));
        assert!(!patience.may_ask(at(1_999)));
        assert!(patience.may_ask(at(2_000)));
    }

    #[actix_web::test]
    async fn an_error_of_its_own_is_an_answer() {
        let patience = Patience::default();
        let wrong = async || Err::<(), _>("wrong type");
        assert_eq!(patience.ask(wrong(), |_| false).await, None);
        assert_eq!(patience.ask(async { Ok::<_, &str>(1) }, |_| false).await, Some(1));
        assert_eq!(patience.ask(wrong(), |_| true).await, None);
        assert_eq!(patience.ask(async { Ok::<_, &str>(1) }, |_| false).await, None, "it rests");
    }
}
