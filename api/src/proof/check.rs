//! Checking a proof or a whole list: pure, and the same as the page for villagers does it (`verify.html`).
//! One of the two implementations that must always agree.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::line;
use super::note::{Checkpoint, Verifier};
use super::tree::{self, Hash};

/// What a list file begins with.
pub const FILE_FORMAT: &str = "jifen-list/1";

/// That one line is on a published list: the line, the way from it to the root, and the signed root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineProof {
    /// The line as the list has it: format, village, month, number, household's number, category, rule,
    /// rule's name, day of the deed and points, each ended by a line feed.
    #[schema(
        example = "jifen-line/1\n460205100201\n2024-09\n12\n5\nliving_environment\nenv.courtyard_model\n评为月度美丽庭院/文明卫生户\n2024-08-20\n5\n"
    )]
    pub line: String,
    /// 32 hex digits that stand after the line in its leaf.
    #[schema(example = "5f0c9a1192f0c17a527c3e9c582f1f6f")]
    pub salt: String,
    /// The leaf's place, from 0: the line's number less one.
    #[schema(example = 11)]
    pub index: u64,
    /// How many lines the list has.
    #[schema(example = 42)]
    pub size: u64,
    /// The hashes beside the way to the root, lowest first, each of 64 hex digits.
    #[schema(example = json!(["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]))]
    pub path: Vec<String>,
    /// The signed checkpoint, whole.
    pub checkpoint: String,
    /// The key that signed it, as it was then.
    #[schema(example = "jifen+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")]
    pub vkey: String,
}

/// A leaf of a list file: a line with its salt, or only the hash of one that is not itemised in public.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FileLeaf {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub line: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "5f0c9a1192f0c17a527c3e9c582f1f6f")]
    pub salt: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub hash: Option<String>,
}

/// A whole list as a file: whoever keeps it can check it without us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ListFile {
    #[schema(example = "jifen-list/1")]
    pub format: String,
    pub checkpoint: String,
    #[schema(example = "jifen+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")]
    pub vkey: String,
    /// In order of the lines' numbers.
    pub leaves: Vec<FileLeaf>,
}

/// Why a proof or a list does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProofFlaw {
    /// Something is not of its form.
    Malformed,
    /// The line is of another list, or stands at another place.
    WrongPlace,
    /// The lines do not make the root of the checkpoint.
    NotIncluded,
    /// The checkpoint is not signed by the key.
    SignatureInvalid,
    /// We published no such list, or another in its place.
    ListUnknown,
}

impl ProofFlaw {
    /// The word of the flaw in the contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::WrongPlace => "wrong_place",
            Self::NotIncluded => "not_included",
            Self::SignatureInvalid => "signature_invalid",
            Self::ListUnknown => "list_unknown",
        }
    }
}

/// Whether the proof holds under this key.
///
/// # Errors
/// The first flaw that is found: form, place, tree, signature, in this order.
pub fn check_proof(proof: &LineProof, vkey: &str) -> Result<Checkpoint, ProofFlaw> {
    let checkpoint = Checkpoint::of_note(&proof.checkpoint).ok_or(ProofFlaw::Malformed)?;
    let key = Verifier::parse(vkey).ok_or(ProofFlaw::Malformed)?;
    // No tree that can be had is higher; longer paths are not read.
    if proof.path.len() > 64 {
        return Err(ProofFlaw::NotIncluded);
    }
    let path: Option<Vec<_>> = proof.path.iter().map(|text| hash(text)).collect();
    let path = path.ok_or(ProofFlaw::Malformed)?;
    let leaf = itemised(&checkpoint, &proof.line, &proof.salt, proof.index)?;
    let root = tree::climb(&leaf, proof.index, proof.size, &path);
    if proof.size != checkpoint.size || root != Some(checkpoint.root) {
        return Err(ProofFlaw::NotIncluded);
    }
    signed(&key, &proof.checkpoint)?;
    Ok(checkpoint)
}

/// Whether a whole list holds under this key.
///
/// # Errors
/// As for [`check_proof`].
pub fn check_list(file: &ListFile, vkey: &str) -> Result<Checkpoint, ProofFlaw> {
    let checkpoint = Checkpoint::of_note(&file.checkpoint).ok_or(ProofFlaw::Malformed)?;
    let key = Verifier::parse(vkey).ok_or(ProofFlaw::Malformed)?;
    if file.format != FILE_FORMAT {
        return Err(ProofFlaw::Malformed);
    }
    let leaf = |(index, leaf): (usize, &FileLeaf)| match (&leaf.line, &leaf.salt, &leaf.hash) {
        (Some(line), Some(salt), None) => itemised(&checkpoint, line, salt, index as u64),
        (None, None, Some(text)) => hash(text).ok_or(ProofFlaw::Malformed),
        _ => Err(ProofFlaw::Malformed),
    };
    let leaves = file.leaves.iter().enumerate().map(leaf).collect::<Result<Vec<_>, _>>()?;
    if leaves.len() as u64 != checkpoint.size || tree::root(&leaves) != checkpoint.root {
        return Err(ProofFlaw::NotIncluded);
    }
    signed(&key, &file.checkpoint)?;
    Ok(checkpoint)
}

fn signed(key: &Verifier, note: &str) -> Result<(), ProofFlaw> {
    if key.has_signed(note) { Ok(()) } else { Err(ProofFlaw::SignatureInvalid) }
}

/// The leaf of a line that says itself where it stands.
fn itemised(
    checkpoint: &Checkpoint,
    text: &str,
    salt: &str,
    index: u64,
) -> Result<Hash, ProofFlaw> {
    let fields = line::fields(text).ok_or(ProofFlaw::Malformed)?;
    if salt.len() != 32 || !is_hex(salt) {
        return Err(ProofFlaw::Malformed);
    }
    let number = index.saturating_add(1).to_string();
    match fields.as_slice() {
        [village, month, at, ..]
            if *village == checkpoint.village && *month == checkpoint.month && *at == number =>
        {
            Ok(tree::leaf(line::salted(text, salt).as_bytes()))
        }
        _ => Err(ProofFlaw::WrongPlace),
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// 64 lower-case hex digits.
fn hash(text: &str) -> Option<Hash> {
    if text.len() != 64 || !is_hex(text) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}
