//! Whether a vote of the village carries: a pure function of who could come, who came, and who was for it.
//!
//! 村民委员会组织法 (2018), article 22: an assembly takes more than half of the villagers of 18 and above,
//! or delegates of two thirds of the households or more; it decides by more than half of those who
//! came. Article 26: a meeting of representatives takes two thirds of them or more, and decides by more
//! than half of those who came. 以上 includes the number itself (民法典 article 1259), 过半数 does not.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// From this age on, in full years, people vote (article 13).
pub const VOTING_AGE: u32 = 18;

/// Who was called to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Electorate {
    /// 村民会议: every villager of 18 and above.
    Adults,
    /// 户代表: one delegate of each household.
    HouseholdDelegates,
    /// 村民代表会议: the representatives that the village has elected.
    Representatives,
}

impl Electorate {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Adults => "adults",
            Self::HouseholdDelegates => "household_delegates",
            Self::Representatives => "representatives",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Adults, Self::HouseholdDelegates, Self::Representatives];
        all.into_iter().find(|electorate| electorate.as_str() == text)
    }

    /// How many of `entitled` must come.
    pub fn quorum(self, entitled: i64) -> i64 {
        match self {
            Self::Adults => entitled / 2 + 1,
            Self::HouseholdDelegates | Self::Representatives => (2 * entitled + 2) / 3,
        }
    }
}

/// A vote as it was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    pub electorate: Electorate,
    /// Who could have come.
    pub entitled: i64,
    pub present: i64,
    pub in_favour: i64,
    pub against: i64,
}

impl Count {
    /// How many of those who came must be for it: more than half.
    pub fn majority(&self) -> i64 {
        self.present / 2 + 1
    }
}

/// Why a vote does not carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoteError {
    /// More came than could, or more voted than came; the field that shows it.
    Impossible(&'static str),
    NoQuorum,
    NoMajority,
}

/// # Errors
/// Why the vote does not carry.
pub fn carried(count: &Count) -> Result<(), VoteError> {
    let Count { electorate, entitled, present, in_favour, against } = *count;
    if in_favour < 0 || against < 0 || in_favour + against > present {
        return Err(VoteError::Impossible("in_favour"));
    }
    if present > entitled {
        return Err(VoteError::Impossible("present"));
    }
    if present < electorate.quorum(entitled) {
        return Err(VoteError::NoQuorum);
    }
    if in_favour < count.majority() {
        return Err(VoteError::NoMajority);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use Electorate::{Adults, HouseholdDelegates, Representatives};
    use proptest::prelude::*;

    fn count(electorate: Electorate, [entitled, present, in_favour, against]: [i64; 4]) -> Count {
        Count { electorate, entitled, present, in_favour, against }
    }

    #[test]
    fn half_is_not_more_than_half_but_two_thirds_are_two_thirds_or_more() {
        for (electorate, numbers, expected) in [
            (Adults, [100, 50, 50, 0], Err(VoteError::NoQuorum)),
            (Adults, [100, 51, 26, 25], Ok(())),
            (Adults, [101, 51, 26, 25], Ok(())),
            (Adults, [100, 52, 26, 26], Err(VoteError::NoMajority)),
            (HouseholdDelegates, [30, 20, 11, 9], Ok(())),
            (HouseholdDelegates, [30, 19, 19, 0], Err(VoteError::NoQuorum)),
            (HouseholdDelegates, [31, 20, 20, 0], Err(VoteError::NoQuorum)),
            (HouseholdDelegates, [31, 21, 11, 0], Ok(())),
            (Representatives, [9, 6, 3, 0], Err(VoteError::NoMajority)),
            (Representatives, [9, 6, 4, 2], Ok(())),
            (Representatives, [0, 0, 0, 0], Err(VoteError::NoMajority)),
            (Adults, [10, 11, 11, 0], Err(VoteError::Impossible("present"))),
            (Adults, [10, 8, 5, 4], Err(VoteError::Impossible("in_favour"))),
            (Adults, [10, 8, -1, 4], Err(VoteError::Impossible("in_favour"))),
        ] {
            assert_eq!(carried(&count(electorate, numbers)), expected, "{numbers:?}");
        }
    }

    proptest! {
        /// A vote carries exactly if the law's own words hold of it.
        #[test]
        fn it_carries_exactly_when_the_law_says_so(
            which in prop::sample::select(vec![Adults, HouseholdDelegates, Representatives]),
            entitled in 0_i64..3000, present in 0_i64..3000,
            in_favour in 0_i64..3000, against in 0_i64..3000,
        ) {
            let vote = count(which, [entitled, present, in_favour, against]);
            let possible = present <= entitled && in_favour + against <= present;
            let quorum = match which {
                Adults => 2 * present > entitled,
                HouseholdDelegates | Representatives => 3 * present >= 2 * entitled,
            };
            let lawful = possible && quorum && 2 * in_favour > present;
            prop_assert_eq!(carried(&vote).is_ok(), lawful);
        }

        /// One voice more for it never turns a vote that carried.
        #[test]
        fn one_more_in_favour_never_hurts(entitled in 1_i64..500, present in 1_i64..500, in_favour in 0_i64..500) {
            let vote = count(Adults, [entitled, present, in_favour, 0]);
            let more = Count { in_favour: in_favour + 1, ..vote };
            prop_assert!(carried(&vote).is_err() || in_favour == present || carried(&more).is_ok());
        }
    }
}
