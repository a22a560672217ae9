//! How often somebody has guessed wrong lately, so that guessing does not pay.
//!
//! Kept in memory: each process counts by itself, and a restart forgets.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

use super::clock::Instant;
use super::problem::{Code, Refusal};

/// At most this many accounts are remembered; those whose last try is the oldest go first.
const ACCOUNTS_MAX: usize = 10_000;

/// Wrong tries by account.
pub struct Tries {
    max: usize,
    within_ms: i64,
    tries: Mutex<HashMap<Uuid, Vec<i64>>>,
}

impl Tries {
    /// Refuses after `max` wrong tries within `minutes`.
    pub fn new(max: usize, minutes: i64) -> Self {
        Self { max, within_ms: minutes * 60_000, tries: Mutex::default() }
    }

    /// Counts a try as wrong until it is [`forgiven`](Self::forgive): of many at once no more are heard
    /// than one after the other.
    ///
    /// # Errors
    /// `too_many_tries`, with the seconds until the oldest one is forgotten.
    pub fn begin(&self, account: Uuid, now: Instant) -> Result<(), Refusal> {
        let mut all = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let since = now.0 - self.within_ms;
        if all.len() >= ACCOUNTS_MAX && !all.contains_key(&account) {
            all.retain(|_, tries| tries.last().is_some_and(|last| *last > since));
            make_room(&mut all);
        }
        let tries = all.entry(account).or_default();
        tries.retain(|at| *at > since);
        if tries.len() >= self.max {
            let wait = tries.first().map_or(0, |oldest| oldest - since);
            let seconds = u32::try_from(wait / 1000 + 1).unwrap_or(u32::MAX);
            return Err(Refusal { retry_after: Some(seconds), ..Code::TooManyTries.into() });
        }
        tries.push(now.0);
        Ok(())
    }

    /// The last try was right.
    pub fn forgive(&self, account: Uuid) {
        let mut all = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tries) = all.get_mut(&account) {
            tries.pop();
        }
        if all.get(&account).is_some_and(Vec::is_empty) {
            all.remove(&account);
        }
    }
}

fn make_room(all: &mut HashMap<Uuid, Vec<i64>>) {
    if all.len() < ACCOUNTS_MAX {
        return;
    }
    let oldest = all.iter().min_by_key(|(_, tries)| tries.last().copied());
    if let Some(account) = oldest.map(|(account, _)| *account) {
        all.remove(&account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_too_many_wrong_tries_the_oldest_must_be_forgotten() {
        let tries = Tries::new(3, 15);
        let account = Uuid::from_u128(1);
        for at in [0, 1_000, 2_000] {
            assert!(tries.begin(account, Instant(at)).is_ok());
        }
        let refused = tries.begin(account, Instant(60_000)).expect_err("three were wrong");
        assert_eq!((refused.code, refused.retry_after), (Code::TooManyTries, Some(841)));
        assert!(tries.begin(Uuid::from_u128(2), Instant(60_000)).is_ok());
        assert!(tries.begin(account, Instant(900_000)).is_ok());
        assert!(tries.begin(account, Instant(900_000)).is_err());
    }

    #[test]
    fn a_right_try_does_not_count() {
        let tries = Tries::new(2, 15);
        let account = Uuid::from_u128(1);
        for at in 0..100 {
            assert!(tries.begin(account, Instant(at)).is_ok());
            tries.forgive(account);
        }
    }

    #[test]
    fn many_accounts_take_bounded_room() {
        let tries = Tries::new(2, 15);
        for number in 0..12_000 {
            let at = Instant(i64::try_from(number).expect("small"));
            assert!(tries.begin(Uuid::from_u128(number), at).is_ok());
        }
        assert!(tries.tries.lock().expect("a lock").len() <= ACCOUNTS_MAX);
    }
}
