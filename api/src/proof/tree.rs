//! The tree of RFC 6962 over the lines of a list: SHA-256, where a leaf is hashed after a byte 0 and two
//! nodes after a byte 1, so that none can pass for the other.

use sha2::{Digest, Sha256};

/// A SHA-256.
pub type Hash = [u8; 32];

/// The hash of a leaf's bytes.
pub fn leaf(bytes: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(bytes).finalize().into()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The root over leaf hashes in their order; that of no leaves is the hash of nothing.
pub fn root(leaves: &[Hash]) -> Hash {
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        level = above(&level);
    }
    level.pop().unwrap_or_else(|| Sha256::digest([]).into())
}

/// The next level: pairs from the left; one that is over goes up as it is, which makes the tree that
/// RFC 6962 splits at the largest power of two.
fn above(level: &[Hash]) -> Vec<Hash> {
    let up = |pair: &[Hash]| match pair {
        [left, right] => node(left, right),
        [single, ..] => *single,
        [] => [0; 32],
    };
    level.chunks(2).map(up).collect()
}

/// The hashes that lead from leaf `index` to the root, lowest first; nothing beyond the last leaf.
pub fn path(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    leaves.get(index)?;
    let (mut level, mut at, mut path) = (leaves.to_vec(), index, Vec::new());
    while level.len() > 1 {
        path.extend(level.get(at ^ 1));
        level = above(&level);
        at /= 2;
    }
    Some(path)
}

/// The root to which `path` leads from leaf `index` of `size`; nothing if it is not of the length that
/// such a path has (RFC 9162, 2.1.3.2).
pub fn climb(leaf: &Hash, index: u64, size: u64, path: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    let (mut at, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return None;
        }
        if at % 2 == 1 || at == last {
            hash = node(sibling, &hash);
            // Levels at which we were over and went up alone.
            while at % 2 == 0 && at != 0 {
                at /= 2;
                last /= 2;
            }
        } else {
            hash = node(&hash, sibling);
        }
        at /= 2;
        last /= 2;
    }
    (last == 0).then_some(hash)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::derive::hex;

    /// The leaves and roots that implementations of Certificate Transparency are tested with.
    #[test]
    fn known_roots_come_out() {
        let leaves: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let hashes: Vec<_> = leaves.iter().map(|bytes| leaf(bytes)).collect();
        for (size, expected) in roots.iter().enumerate() {
            assert_eq!(hex(&root(hashes.split_at(size).0)), *expected, "{size} leaves");
        }
    }

    /// RFC 6962, 2.1, word for word.
    fn by_the_book(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [single] => *single,
            _ => {
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                node(&by_the_book(left), &by_the_book(right))
            }
        }
    }

    proptest! {
        #[test]
        fn every_leaf_leads_to_the_root_by_its_path_only(size in 1_usize..200, turn in any::<u8>()) {
            let leaves: Vec<_> = (0..size).map(|at| leaf(&at.to_be_bytes())).collect();
            let top = root(&leaves);
            prop_assert_eq!(top, by_the_book(&leaves));
            let (index, size) = (usize::from(turn) % size, size as u64);
            let way = path(&leaves, index).expect("a path");
            let (own, at) = (leaves[index], index as u64);
            prop_assert_eq!(climb(&own, at, size, &way), Some(top));
            prop_assert_ne!(climb(&own, at + 1, size, &way), Some(top));
            prop_assert_eq!(climb(&own, size, size, &way), None);
            prop_assert_ne!(climb(&leaf(b"other"), at, size, &way), Some(top));
            let longer = [&way[..], &[top]].concat();
            prop_assert_ne!(climb(&own, at, size, &longer), Some(top));
            if let Some((_, shorter)) = way.split_last() {
                prop_assert_ne!(climb(&own, at, size, shorter), Some(top));
            }
        }
    }
}
