//! Lists are read in pages; a cursor is opaque and bound to the filter it was made for.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::problem::{Code, Outcome};

/// At most this many items in one answer.
pub const LIMIT_MAX: u64 = 100;

/// Where a page begins: after the item whose sort key is `K`.
pub struct Start<K> {
    pub after: Option<K>,
    pub limit: u64,
}

/// A page of items and the cursor of the next one.
pub struct Page<T> {
    pub items: Vec<T>,
    pub next_cursor: Option<String>,
}

impl<K: Serialize + DeserializeOwned> Start<K> {
    /// Reads `cursor` if it was made for `filter`.
    ///
    /// # Errors
    /// `invalid_cursor` if it was not, `invalid_query` if `limit` is not 1 to 100.
    pub fn parse(cursor: Option<&str>, limit: Option<u64>, filter: &str) -> Outcome<Self> {
        let after = match cursor {
            None => None,
            Some(text) => Some(decode(text, filter).ok_or(Code::InvalidCursor)?),
        };
        let limit = limit.unwrap_or(50);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(Code::InvalidQuery.into());
        }
        Ok(Self { after, limit })
    }

    /// One more than the page holds, to know whether another one follows.
    pub fn fetch(&self) -> i64 {
        i64::try_from(self.limit + 1).unwrap_or(i64::MAX)
    }

    /// Cuts what was fetched to a page; `key` is an item's sort key.
    pub fn page<T>(&self, mut items: Vec<T>, filter: &str, key: impl Fn(&T) -> K) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let last = if more { items.last() } else { None };
        let next_cursor = last.map(|item| encode(&key(item), filter));
        Page { items, next_cursor }
    }
}

fn tag(filter: &str) -> [u8; 8] {
    let mut tag = [0; 8];
    tag.copy_from_slice(&Sha256::digest(filter)[..8]);
    tag
}

/// A mark in a list that only makes sense with `filter`, as text that says nothing.
pub fn encode<K: Serialize>(key: &K, filter: &str) -> String {
    let mut bytes = tag(filter).to_vec();
    bytes.extend(serde_json::to_vec(key).unwrap_or_default());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What [`encode`] wrote for the same `filter`.
pub fn decode<K: DeserializeOwned>(text: &str, filter: &str) -> Option<K> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let key = bytes.strip_prefix(tag(filter).as_slice())?;
    serde_json::from_slice(key).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_of_another_filter_is_refused() {
        let start = Start::<i64>::parse(None, Some(2), "a").expect("a start");
        let page = start.page(vec![1, 2, 3], "a", |item| *item);
        assert_eq!(page.items, [1, 2]);
        let cursor = page.next_cursor.expect("a cursor");
        let next = Start::<i64>::parse(Some(&cursor), None, "a").expect("the next page");
        assert_eq!(next.after, Some(2));
        assert!(Start::<i64>::parse(Some(&cursor), None, "b").is_err());
        assert!(Start::<i64>::parse(Some("garbage"), None, "a").is_err());
    }
}
