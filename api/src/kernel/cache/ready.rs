//! Bytes as they are sent, and as they are kept.

use std::sync::Arc;

use actix_web::web::Bytes;
use sha2::{Digest, Sha256};

/// Bytes that are ready to be sent, with their strong ETag.
#[derive(Clone)]
pub struct Ready {
    pub bytes: Bytes,
    /// Quoted, as it goes into the header.
    pub etag: Arc<str>,
    /// Whether they stay what they are, whatever happens.
    pub lasting: bool,
}

impl Ready {
    pub fn of(made: impl Into<Made>) -> Self {
        let Made { bytes, lasting } = made.into();
        let digest = Sha256::digest(&bytes);
        let hex: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { bytes: bytes.into(), etag: format!("\"{hex}\"").into(), lasting }
    }
}

/// What was built: bytes, which may be changed later unless they are said to be lasting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    pub bytes: Vec<u8>,
    pub lasting: bool,
}

impl From<Vec<u8>> for Made {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, lasting: false }
    }
}

impl Made {
    /// As it is kept where others can write: behind a digest of the rest.
    pub fn sealed(&self) -> Vec<u8> {
        let rest = [&[u8::from(self.lasting)], self.bytes.as_slice()].concat();
        [Sha256::digest(&rest).as_slice(), &rest].concat()
    }

    /// What [`Self::sealed`] gave; nothing if it is anything else.
    pub fn opened(sealed: &[u8]) -> Option<Self> {
        let (digest, rest) = sealed.split_at_checked(32)?;
        let (lasting, bytes) = rest.split_first()?;
        let whole = Sha256::digest(rest).as_slice() == digest;
        (whole && *lasting <= 1).then(|| Self { bytes: bytes.to_vec(), lasting: *lasting == 1 })
    }
}
