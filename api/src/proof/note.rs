//! Checkpoints of lists as signed notes (C2SP `tlog-checkpoint` and `signed-note`, Ed25519), and the keys
//! that sign them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sha2::{Digest, Sha256};

use super::tree::Hash;
use crate::kernel::chain::Head;
use crate::kernel::derive::hex;

/// Ed25519, as signed notes number it.
const ALGORITHM: u8 = 1;
/// No checkpoint of ours is nearly as long.
const TEXT_MAX: usize = 2_000;

/// What a checkpoint says of a list and of the chain of journals at its opening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub village: String,
    pub month: String,
    /// How many lines the list has.
    pub size: u64,
    pub root: Hash,
    pub chain: Head,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        let Self { village, month, size, root, chain } = self;
        let root = STANDARD.encode(root);
        format!("jifen/{village}/{month}\n{size}\n{root}\nchain {} {}\n", chain.length, chain.hash)
    }

    /// The checkpoint that a text says; nothing unless it says it in exactly these words.
    fn parse(text: &str) -> Option<Self> {
        let lines: Vec<_> = text.strip_suffix('\n')?.split('\n').collect();
        let [origin, size, root, chain] = lines.as_slice() else { return None };
        let (village, month) = origin.strip_prefix("jifen/")?.split_once('/')?;
        let (length, hash) = chain.strip_prefix("chain ")?.split_once(' ')?;
        let found = Self {
            village: village.to_owned(),
            month: month.to_owned(),
            size: size.parse().ok().filter(|size| *size < 1 << 53)?,
            root: STANDARD.decode(root).ok()?.try_into().ok()?,
            chain: Head { length: length.parse().ok()?, hash: hash.to_owned() },
        };
        let digits = |word: &str| word.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let in_hex =
            |word: &str| word.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let fits = digits(village) && digits(month) && hash.len() == 64 && in_hex(hash);
        (fits && found.chain.length >= 0 && found.text() == text).then_some(found)
    }

    /// The checkpoint of a signed note, read without looking at its signature.
    pub fn of_note(note: &str) -> Option<Self> {
        let (text, _) = split(note)?;
        Self::parse(text)
    }
}

/// A note's text with its last line feed, and its lines of signatures.
fn split(note: &str) -> Option<(&str, &str)> {
    if note.len() > TEXT_MAX || note.chars().any(|c| c.is_control() && c != '\n') {
        return None;
    }
    let at = note.rfind("\n\n")?;
    let (text, rest) = note.split_at_checked(at + 1)?;
    Some((text, rest.strip_prefix('\n')?))
}

/// A public key with its name (a C2SP `vkey`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    id: [u8; 4],
    key: [u8; 32],
}

impl Verifier {
    fn new(name: &str, key: [u8; 32]) -> Self {
        let digest = Sha256::new()
            .chain_update(name)
            .chain_update([b'\n', ALGORITHM])
            .chain_update(key)
            .finalize();
        let mut id = [0; 4];
        id.copy_from_slice(digest.split_at(4).0);
        Self { name: name.to_owned(), id, key }
    }

    /// Reads `name+id+key`; the id must be that of name and key.
    pub fn parse(vkey: &str) -> Option<Self> {
        let (name, rest) = vkey.split_once('+')?;
        let (id, key) = rest.split_once('+')?;
        let bytes = STANDARD.decode(key).ok()?;
        let (algorithm, key) = bytes.split_first()?;
        let found = Self::new(name, key.try_into().ok()?);
        let ours = *algorithm == ALGORITHM && hex(&found.id) == id && is_name(name);
        (ours && vkey.len() <= TEXT_MAX).then_some(found)
    }

    /// The key as it is published.
    pub fn vkey(&self) -> String {
        let key = [&[ALGORITHM][..], &self.key].concat();
        format!("{}+{}+{}", self.name, hex(&self.id), STANDARD.encode(key))
    }

    /// Whether the note is signed by this key. Signatures by others are passed over.
    pub fn has_signed(&self, note: &str) -> bool {
        let Some((text, signatures)) = split(note) else { return false };
        let mut found = false;
        let Some(signatures) = signatures.strip_suffix('\n') else { return false };
        for line in signatures.split('\n') {
            let parts = line.strip_prefix("— ").and_then(|rest| rest.split_once(' '));
            let Some((name, signature)) = parts else { return false };
            let Ok(bytes) = STANDARD.decode(signature) else { return false };
            let Some((id, signature)) = bytes.split_at_checked(4) else { return false };
            if name == self.name && id == self.id {
                let key = UnparsedPublicKey::new(&ED25519, &self.key);
                if key.verify(text.as_bytes(), signature).is_err() {
                    return false;
                }
                found = true;
            }
        }
        found
    }
}

/// Names are printed and signed: visible ASCII without a plus.
fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_graphic() && byte != b'+';
    (1..=100).contains(&name.len()) && name.bytes().all(fits)
}

/// A private key with its name.
pub struct Signer {
    pair: Ed25519KeyPair,
    seed: [u8; 32],
    pub verifier: Verifier,
}

impl Signer {
    /// The key of this name that follows from 32 secret bytes.
    pub fn new(name: &str, seed: [u8; 32]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).ok()?;
        let key = pair.public_key().as_ref().try_into().ok()?;
        is_name(name).then(|| Self { pair, seed, verifier: Verifier::new(name, key) })
    }

    /// Reads `PRIVATE+KEY+name+id+seed`.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, rest) = text.trim().strip_prefix("PRIVATE+KEY+")?.split_once('+')?;
        let (id, seed) = rest.split_once('+')?;
        let bytes = STANDARD.decode(seed).ok()?;
        let (algorithm, seed) = bytes.split_first()?;
        let found = Self::new(name, seed.try_into().ok()?)?;
        (*algorithm == ALGORITHM && hex(&found.verifier.id) == id).then_some(found)
    }

    /// The key as its file keeps it.
    pub fn secret_text(&self) -> String {
        let Verifier { name, id, .. } = &self.verifier;
        let seed = STANDARD.encode([&[ALGORITHM][..], &self.seed].concat());
        format!("PRIVATE+KEY+{name}+{}+{seed}\n", hex(id))
    }

    /// The text with its signature: always the same for the same text.
    pub fn sign(&self, text: &str) -> String {
        let Verifier { name, id, .. } = &self.verifier;
        let signature = self.pair.sign(text.as_bytes());
        let signature = STANDARD.encode([&id[..], signature.as_ref()].concat());
        format!("{text}\n— {name} {signature}\n")
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({}, …)", self.verifier.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the signed notes of Go's checksum database.
    #[test]
    fn a_known_note_is_signed_the_same_way() {
        let key = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
        let vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let text = "If you think cryptography is the answer to your problem,\n\
            then you don't know what your problem is.\n";
        let note = format!(
            "{text}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
        );
        let signer = Signer::parse(key).expect("a key");
        assert_eq!(signer.verifier.vkey(), vkey);
        assert_eq!(signer.sign(text), note);
        assert!(Verifier::parse(vkey).expect("a key").has_signed(&note));
        assert_eq!(signer.secret_text().trim(), key);
    }

    fn checkpoint(size: u64) -> Checkpoint {
        let chain = Head { length: 7, hash: "0".repeat(64) };
        let (village, month) = ("460205100201".to_owned(), "2024-09".to_owned());
        Checkpoint { village, month, size, root: [9; 32], chain }
    }

    #[test]
    fn a_checkpoint_is_read_back_from_its_note_only_in_its_own_words() {
        let signer = Signer::new("jifen", [5; 32]).expect("a key");
        let note = signer.sign(&checkpoint(42).text());
        assert_eq!(Checkpoint::of_note(&note), Some(checkpoint(42)));
        for (from, to) in [
            ("\n42\n", "\n042\n"),
            ("\n42\n", "\n+42\n"),
            ("\n42\n", "\n42 \n"),
            ("chain 7", "chain -7"),
            ("chain 7", "chain 07"),
            ("jifen/4602", "other/4602"),
            ("chain", "more\nchain"),
            ("CQk=\n", "CQl=\n"),
        ] {
            let changed = note.replace(from, to);
            assert_ne!(changed, note, "{from}");
            assert_eq!(Checkpoint::of_note(&changed), None, "{to}");
        }
    }

    #[test]
    fn a_note_is_signed_by_its_own_key_over_its_own_text() {
        let [ours, theirs] =
            [[5; 32], [6; 32]].map(|seed| Signer::new("jifen", seed).expect("a key"));
        let note = ours.sign(&checkpoint(42).text());
        assert!(ours.verifier.has_signed(&note));
        assert!(!theirs.verifier.has_signed(&note));
        assert!(!ours.verifier.has_signed(&note.replace("42", "43")));
        // Somebody else's signature beside ours is passed over.
        let line = theirs.sign(&checkpoint(42).text());
        let line = line.rsplit_once("\n\n").expect("a signature").1;
        assert!(ours.verifier.has_signed(&format!("{note}{line}")));
        assert!(Verifier::parse(&ours.verifier.vkey().replace("jifen", "jifem")).is_none());
    }
}
